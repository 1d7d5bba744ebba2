"""Small experiments a person runs by hand: act, watch with the second witness, tell."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

from lab import hosts, observe
from lab.errors import Usage
from lab.hosts import Host
from lab.model import tally
from lab.settings import Settings
from lab.traffic import Agent


def attempt(settings: Settings, number: int, count: int, hold: int) -> dict[str, Any]:
    """Dial `count` times from client `number`, keep what was established for `hold` seconds.

    The answer has each attempt, the sums, and how far the policy's own packet counter moved meanwhile.
    Raises `Usage` if there is no such client.
    """
    found = hosts.find(settings.project)
    dialler = client(found, number)
    server = next(host for host in found if host.service == "server")
    with Agent(dialler) as agent:
        before = observe.rules(server.run(observe.IPTABLES))
        made = agent.open(count, port=settings.port)
        after = observe.rules(server.run(observe.IPTABLES))
        time.sleep(hold)
        agent.close()
    return {
        "schema": 1,
        "client": dialler.name,
        "outcomes": dict(tally(made)),
        "rule_packets": observe.refusals(after) - observe.refusals(before),
        "attempts": [dataclasses.asdict(one) for one in made],
    }


def client(found: Sequence[Host], number: int) -> Host:
    """The running client of this number. Raises `Usage`, which names those that there are."""
    running = [host for host in found if host.service == "client" and host.running]
    for host in running:
        if host.number == number:
            return host
    there = ", ".join(str(host.number) for host in running) or "none"
    raise Usage(
        f"there is no client {number}; running clients: {there}\n  next: make up, or make scale-clients N={number}"
    )
