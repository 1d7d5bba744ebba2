"""A journey: one peer brings a lab up, scales it and takes it down; each step is timed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from bench import machine
from bench.peers import Peer
from bench.samples import LAB, Samples, add
from bench.sandbox import START
from connlab.base.settings import Settings
from connlab.cluster import readiness

# What else is measured while the lab's own hosts stand.
Visit = Callable[[Settings, Samples], None]
Item = TypeVar("Item")


def round_of(
    peers: Sequence[Peer], labs: Mapping[str, Settings], clients: int, visits: Sequence[Visit]
) -> Samples:
    """Measure one journey by each peer, one after another."""
    samples: Samples = {}
    for peer in peers:
        travel(peer, labs[peer.name], clients, visits, samples)
    return samples


def travel(peer: Peer, lab: Settings, clients: int, visits: Sequence[Visit], samples: Samples) -> None:
    def step(name: str, do: Callable[[], None], hosts: int) -> None:
        seconds, ready = _timed(do, lambda: _await(peer, lab, hosts))
        add(samples, name, peer.name, seconds)
        if hosts:
            add(samples, f"{name} ready", peer.name, ready)

    step("up", lambda: peer.up(lab), START)
    before = machine.settled_bytes()
    step(f"scale {clients}", lambda: peer.scale(lab, clients), clients)
    after = machine.settled_bytes()
    if before and after:
        add(samples, f"memory {clients}", peer.name, (before - after) / (clients - START) / 1e6)
    if peer.name == LAB:
        for visit in visits:
            visit(lab, samples)
    step(f"down {clients}", lambda: peer.down(lab), 0)
    summary = ", ".join(f"{name} {samples[name][peer.name][-1]:.2f} s"
                     for name in ("up", f"scale {clients}", f"down {clients}"))  # fmt: skip
    print(f"bench: {peer.name:<8} {summary}", file=sys.stderr, flush=True)


def rotate(items: Sequence[Item], by: int) -> list[Item]:
    """Return the items in another order each round, so that none is always first on a fresh machine."""
    by %= len(items)
    return [*items[by:], *items[:by]]


def _timed(do: Callable[[], None], then: Callable[[], None]) -> tuple[float, float]:
    began = time.perf_counter()
    do()
    end = time.perf_counter()
    then()
    return end - began, time.perf_counter() - began


def _await(peer: Peer, lab: Settings, clients: int) -> None:
    """Wait for hosts: Compose and the API return when the processes run, the lab's verbs when hosts are ready."""
    if clients and peer.name != LAB:
        readiness.wait_until_ready(lab.project, clients)
