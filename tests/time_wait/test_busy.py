"""A busy server, closed first by its clients and then by itself: how many sockets wait where, and what they weigh.

client-1, client-2 ── 1,500 connections each way ──> server
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from connlab.agent.session import Agent, agents
from connlab.base.model import Attempt, Outcome, Verdict, tally
from connlab.cluster.host import Host
from connlab.evidence.charts import chart, slope
from connlab.evidence.vega_lite import Spec
from connlab.kernel import snapshot
from connlab.kernel.socket_monitor import SECOND
from tests.support.laboratory import Lab
from tests.support.recordings import Keep, Recordings, recording

ESTABLISHED = Outcome.ESTABLISHED
SLICES, EACH = 6, 125  # of every client
CLOSERS = {"client": None, "server": "bye"}  # what a client says: something, and the server closes first


@dataclass(frozen=True)
class Sample:
    """Sockets in TIME_WAIT at a moment, of /proc/net/sockstat, which `ss -s` reads too."""

    seconds: float
    server: int
    clients: int


@dataclass(frozen=True)
class Busy:
    samples: dict[str, list[Sample]]  # by who closes first
    rate: dict[str, float]  # connections a second of both clients together
    attempts: dict[str, list[Attempt]]
    entries: dict[str, dict[str, int]]  # sockets that came into TIME_WAIT on the server and on the clients
    bytes: dict[str, int]  # of one object: `tw_sock_TCP` is a socket in TIME_WAIT, `TCP` a connected one


@recording(lab={"SYSCTL": "stock", "SERVER_MODE": "greeting", "CONNLIMIT": 1000, "CLIENTS": 2})
def busy(lab: Lab, keep: Keep) -> Busy:
    record = Busy({}, {}, {}, {}, slab(lab.server))
    with agents(lab.clients) as dialling:
        start = monotonic_ns(dialling[0])
        for closer, message in CLOSERS.items():
            before, attempts, seconds = entries(lab), list[Attempt](), 0.0
            samples = [take_sample(lab, monotonic_ns(dialling[0]) - start)]
            for _ in range(SLICES):
                pending = [agent.start_churn(EACH, message=message) for agent in dialling]
                answers = [outcome() for outcome in pending]
                samples.append(take_sample(lab, monotonic_ns(dialling[0]) - start))
                seconds += max(answer.seconds for answer in answers)
                attempts += [attempt for answer in answers for attempt in answer.attempts]
            record.samples[closer], record.attempts[closer] = samples, attempts
            record.rate[closer] = len(attempts) / seconds
            record.entries[closer] = {side: number - before[side] for side, number in entries(lab).items()}
    keep("busy", record)
    return record


def monotonic_ns(agent: Agent) -> int:
    """Return the time of an agent's host (CLOCK_MONOTONIC)."""
    return agent.facts().monotonic_ns


def take_sample(lab: Lab, ns: int) -> Sample:
    """Count the sockets in TIME_WAIT now, so long after the beginning."""
    return Sample(
        ns / SECOND, count_time_wait(lab.server), sum(count_time_wait(client) for client in lab.clients)
    )


def count_time_wait(host: Host) -> int:
    """Count a host's sockets in TIME_WAIT."""
    match = re.search(r"^TCP: .* tw (\d+)", host.run(["cat", "/proc/net/sockstat"]), re.MULTILINE)
    assert match, "the kernel counts them"
    return int(match[1])


def entries(lab: Lab) -> dict[str, int]:
    """Count the sockets of each side that ever came into TIME_WAIT."""
    return {
        "server": count_entries(lab.server),
        "clients": sum(count_entries(client) for client in lab.clients),
    }


def count_entries(host: Host) -> int:
    """Count the sockets of a host that ever came into TIME_WAIT."""
    return snapshot.read_counters(host.run)["TcpExtTW"]


def slab(host: Host) -> dict[str, int]:
    """Read the bytes of one object of each kind: the fourth column of slabinfo(5)."""
    listing = host.run(["cat", "/proc/slabinfo"])
    return {
        name: int(size)
        for name, size in re.findall(r"^(tw_sock_TCP|TCP) +\d+ +\d+ +(\d+) ", listing, re.MULTILINE)
    }


@pytest.mark.claim("memory")
def test_a_busy_servers_time_wait_weighs_little(busy: Recordings, keep, verdict) -> None:
    """Each connection is one small socket on the side that closed first, and none on the other."""
    record = busy["lab"]
    total = SLICES * EACH * 2
    keep("chart-busy", busy_chart(record))
    assert [tally(record.attempts[closer]) for closer in CLOSERS] == [{ESTABLISHED: total}] * 2
    assert record.entries == {
        "client": {"server": 0, "clients": total},
        "server": {"server": total, "clients": 0},
    }
    small, whole = record.bytes["tw_sock_TCP"], record.bytes["TCP"]
    assert small * 4 < whole
    verdict(
        Verdict.REFUTED,
        f"{total:,} of them are {total * small / 1e6:.1f} MB: {small} bytes each, of a connected socket's {whole:,};"
        f" {record.rate['server']:,.0f} connections a second closed by the server,"
        f" {record.rate['client']:,.0f} by clients",
    )


def test_a_four_tuple_is_in_time_wait_once(busy: Recordings) -> None:
    """A client that did not close first may dial from the same port within the minute: the new socket replaces the old.

    So a busy server has no more sockets in TIME_WAIT than its clients have ports (T11).
    """
    record = busy["lab"]
    four_tuples = {(attempt.source, attempt.source_port) for attempt in record.attempts["server"]}
    assert record.samples["server"][-1].server <= len(four_tuples) <= SLICES * EACH * 2


def busy_chart(record: Busy) -> Spec:
    """Draw TIME_WAIT sockets over time on either side."""
    samples = [sample for closer in CLOSERS for sample in record.samples[closer]]
    turn = record.samples["server"][0].seconds
    return chart(
        family="time-wait",
        title="Where a busy server's TIME_WAIT sockets are",
        note="First the clients close first, then the server: the same connections, the other side waits.",
        x="seconds",
        moments={"the server closes first": turn},
        panels=[
            slope(
                "sockets in TIME_WAIT on the server", [(sample.seconds, sample.server) for sample in samples]
            ),
            slope(
                "sockets in TIME_WAIT on both clients",
                [(sample.seconds, sample.clients) for sample in samples],
            ),
        ],
    )
