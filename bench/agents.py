"""The agents: how soon they are there, how soon they answer, how fast one of them dials."""

from __future__ import annotations

import time
from statistics import quantiles

from bench.samples import LAB, Samples, add, middle
from connlab.agent.session import Agent, agents
from connlab.base.errors import LabError
from connlab.base.model import Outcome, tally
from connlab.base.settings import Settings
from connlab.cluster import hosts
from connlab.cluster.host import Host

STREAMS = 20
TRIPS = 1000
EXECS = 5
DIALS = 2000
IN_FLIGHT = (1, 64)


def visit(lab: Settings, samples: Samples) -> None:
    clients = hosts.find(lab.project, "client")[:STREAMS]
    began = time.perf_counter()
    with agents(clients) as opened:
        add(samples, f"streams {len(opened)}", LAB, time.perf_counter() - began)
        trips = [_trip(opened[0]) for _ in range(TRIPS)]
        cut = quantiles(trips, n=100)
        add(samples, "trip median", LAB, cut[49])
        add(samples, "trip p99", LAB, cut[98])
        for in_flight in IN_FLIGHT:
            add(samples, f"dials {in_flight}", LAB, _rate(opened[0], lab.port, in_flight))
    add(samples, "exec", LAB, middle(_exec(clients[0]) for _ in range(EXECS)) or 0.0)


def _trip(agent: Agent) -> float:
    began = time.perf_counter_ns()
    agent.facts()
    return (time.perf_counter_ns() - began) / 1000


def _exec(host: Host) -> float:
    """Measure what each question would cost without an agent, in µs."""
    began = time.perf_counter_ns()
    host.run(["true"])
    return (time.perf_counter_ns() - began) / 1000


def _rate(agent: Agent, port: int, in_flight: int) -> float:
    """Measure dials a second, the request and the list of answers included. A refused dial would be another figure."""
    began = time.perf_counter()
    attempts = agent.open(DIALS, gap_ms=0, port=port, in_flight=in_flight)
    seconds = time.perf_counter() - began
    agent.close(how="rst")
    if (outcomes := tally(attempts))[Outcome.ESTABLISHED] != DIALS:
        raise LabError(f"of {DIALS} dials, {in_flight} in flight: {dict(outcomes)}")
    return DIALS / seconds
