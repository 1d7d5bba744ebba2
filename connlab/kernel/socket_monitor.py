"""Sockets over time: every change of state on a host, and how long each state lasted.

`Census` reads what probes/socket_monitor.py prints on a host; the functions below it are pure and read `Change`s.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from connlab.base.errors import GaveUp
from connlab.base.settings import HOME
from connlab.cluster.hosts import Host
from connlab.cluster.stream import Stream

PROGRAM = HOME / "probes" / "socket_monitor.py"  # its text travels with the command: servers have no client
PATIENCE = 30.0  # seconds for a look to come; one takes 4 ms, a docker exec under load some seconds
SECOND = 1_000_000_000

Value = TypeVar("Value")


class Pair(NamedTuple):
    """The four-tuple of a connection, seen from one host."""

    local: str
    local_port: int
    peer: str
    peer_port: int


@dataclass(frozen=True)
class Change:
    """A socket came into `state`, or went (None), within two moments on CLOCK_MONOTONIC.

    After `after_ns`, when the last look began that did not show it, and by `by_ns`, when the look that did had
    ended. `timer` is what the kernel then would still wait, in seconds: in TIME_WAIT, or as an orphan.
    """

    after_ns: int
    by_ns: int
    pair: Pair
    state: str | None
    timer: float | None


@dataclass(frozen=True)
class Life:
    """A socket's stay in one state, between two changes."""

    began: Change
    ended: Change

    @property
    def pair(self) -> Pair:
        """The socket."""
        return self.began.pair

    @property
    def seconds(self) -> float:
        """Its length, from the look that first showed it to the first that did not."""
        return (self.ended.by_ns - self.began.by_ns) / SECOND

    @property
    def least(self) -> float:
        """What it lasted for certain, in seconds."""
        return (self.ended.after_ns - self.began.by_ns) / SECOND

    @property
    def most(self) -> float:
        """What it can have lasted at most, in seconds."""
        return (self.ended.by_ns - self.began.after_ns) / SECOND


class Census:
    """Looks at the sockets of one host, taken by a process on it; `changes` grows as they are read."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.changes: list[Change] = []
        self.now: dict[Pair, str] = {}
        self.ns = 0  # when the last look that was read had ended
        self._began = 0
        self.look()

    def look(self) -> None:
        """Read one more look, of those that are told: it shows a change, or a second has passed."""
        said = json.loads(self._stream.read_line(PATIENCE))
        after, self._began, self.ns = said["ns"]
        for *pair, state, timer in said["changes"]:
            change = Change(after, self.ns, Pair(*pair), state, timer)
            self.changes.append(change)
            if state is None:
                del self.now[change.pair]
            else:
                self.now[change.pair] = state

    def up_to(self, ns: int) -> None:
        """Read looks up to the first that began after a moment: they wait in the stream until they are read."""
        while self._began <= ns:
            self.look()

    def until(self, condition: Callable[[Mapping[Pair, str]], Value], why: str, within: float) -> Value:
        """Read looks until `condition` is true of the sockets that there are; returns what it returned.

        The first that is judged is the one read last. Raises `GaveUp` with `why` after `within` seconds of ours,
        and as many of the host's: looks wait in the stream until they are read, so the last one can be old.
        """
        ours, theirs = time.monotonic() + within, self.ns + within * SECOND
        while not (value := condition(self.now)):
            if time.monotonic() > ours and self.ns > theirs:
                raise GaveUp(f"gave up after {within:g} s waiting until {why}; there are {self.count()}")
            self.look()
        return value

    def count(self) -> Counter[str]:
        """Sockets by state."""
        return Counter(self.now.values())


@contextmanager
def census(host: Host, period_ms: int) -> Iterator[Census]:
    """Take a census of a host again and again, `period_ms` between two looks, until the block ends."""
    with host.stream(["python3", "-S", "-E", "-c", PROGRAM.read_text(), str(period_ms)]) as stream:
        yield Census(stream)


def lives(changes: Iterable[Change], state: str) -> list[Life]:
    """Every stay in `state` that has an end, in the order of the ends."""
    since: dict[Pair, Change] = {}
    found = []
    for change in changes:
        if began := since.pop(change.pair, None):
            found.append(Life(began, change))
        if change.state == state:
            since[change.pair] = change
    return found


def levels(changes: Iterable[Change], state: str, origin_ns: int) -> list[tuple[float, int]]:
    """How many sockets were in `state`, as (seconds since `origin_ns`, number), whenever that changed."""
    inside: set[Pair] = set()
    points: dict[float, int] = {}
    for change in changes:
        (inside.add if change.state == state else inside.discard)(change.pair)
        points[round((change.by_ns - origin_ns) / SECOND, 3)] = len(inside)
    before = [None, *points.values()]
    return [(x, y) for (x, y), last in zip(points.items(), before, strict=False) if y != last]
