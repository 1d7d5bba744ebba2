"""What is measured and what is promised of it: one row for each figure, in the order of the table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, starmap

from bench.samples import LAB, best, middle


@dataclass(frozen=True)
class Target:
    """At most `factor` times the best of bare compose and the bare API, plus `plus` of the figure's unit."""

    factor: float = 0.0
    plus: float = 0.0

    def text(self, unit: str) -> str:
        times = f"{self.factor:g} × best" if self.factor else ""  # noqa: RUF001
        plus = f"{self.plus:g} {unit}" if self.plus else ""
        return "≤ " + " + ".join(part for part in (times, plus) if part)

    def met(self, peers: Mapping[str, list[float]]) -> bool | None:
        """Judge pair by pair: in the median pair the lab is within its allowance. None: nothing to judge."""
        ours = peers.get(LAB, [])
        theirs = best(peers) if self.factor else [0.0] * len(ours)
        allowed = (self.factor * peer + self.plus for peer in theirs)
        excess = middle(value - most for value, most in zip(ours, allowed, strict=False))
        return None if excess is None else excess <= 0


@dataclass(frozen=True)
class Figure:
    """What is measured: `key` is what its samples are recorded under."""

    key: str
    what: str
    unit: str
    target: Target | None = None


DENSE = ((4, 256), (64, 256), (16, 1_024))  # clients, and sources of each; what a client costs is most of it


def dense_lab_name(clients: int, sources: int) -> str:
    """Name a dense lab, in a note and among the figures."""
    return f"{clients * sources} sources of {clients} clients"


def _of_a_dense_lab(clients: int, sources: int) -> Iterator[Figure]:
    name = dense_lab_name(clients, sources)
    yield Figure(f"{name}, up", f"up, {clients} clients with {clients * sources:,} sources", "s")
    yield Figure(f"{name}, each", "  … for each source", "ms", Target(plus=1))
    yield Figure(f"{name}, down", "  … down", "s")


FIGURES = (
    Figure("up", "up, 1 server and 3 clients", "s", Target(factor=1.3, plus=0.5)),
    Figure("up ready", "  … until every host is ready", "s"),
    # The lab's verbs return when every host is ready, so that is what is judged.
    Figure("scale 20", "scale from 3 to 20", "s"),
    Figure("scale 20 ready", "  … until every host is ready", "s", Target(factor=1.1)),
    Figure("scale 100", "scale from 3 to 100", "s"),
    Figure("scale 100 ready", "  … until every host is ready", "s", Target(factor=1.1)),
    Figure("scale 200", "scale from 3 to 200", "s"),
    Figure("scale 200 ready", "  … until every host is ready", "s", Target(factor=1.1)),
    Figure("down 20", "down of 20", "s", Target(factor=1.1)),
    Figure("down 100", "down of 100", "s", Target(factor=1.1)),
    Figure("down 200", "down of 200", "s", Target(factor=1.1)),
    *chain.from_iterable(starmap(_of_a_dense_lab, DENSE)),
    Figure("netns 100", "  beside it: 100 hosts by ip netns", "s"),
    # Told, not judged: of twenty, the engine's own heap is as large a part as they are.
    Figure("memory 20", "memory of an idle client, of 20", "MB"),
    Figure("memory 100", "memory of an idle client, of 100", "MB", Target(plus=8)),
    Figure("memory own", "  … of it PID 1, its own pages", "MB"),
    Figure("memory shim", "  … of it containerd-shim", "MB"),
    Figure("memory fuse", "  … of it fuse-overlayfs", "MB"),
    Figure("memory program", "  beside it: PID 1's program pages", "MB"),
    Figure("memory cgroup", "  as the client's cgroup counts", "MB"),
    Figure("streams 20", "open 20 agent streams", "s", Target(plus=1.5)),
    Figure("trip median", "agent round trip, median", "µs"),
    Figure("trip p99", "agent round trip, p99", "µs"),
    Figure("exec", "  the same by docker exec each", "µs"),
    Figure("dials 1", "dials, one agent, 1 in flight", "/s"),
    Figure("dials 64", "dials, one agent, 64 in flight", "/s"),
)
