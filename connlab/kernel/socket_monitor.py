"""Sockets over time: every change of state on a host, and how long each state lasted.

`SocketMonitor` reads what probes/socket_monitor.py prints on a host; the functions below it are pure.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from connlab.base import probes
from connlab.base.errors import GaveUp
from connlab.cluster.host import Host
from connlab.cluster.stream import Stream

PATIENCE = 30.0  # seconds for a sample to come; one takes 4 ms, a docker exec under load some seconds
SECOND = 1_000_000_000

Value = TypeVar("Value")


class FourTuple(NamedTuple):
    """The four-tuple of a connection, seen from one host."""

    local: str
    local_port: int
    peer: str
    peer_port: int


@dataclass(frozen=True)
class StateChange:
    """A socket came into `state`, or went (None), within two moments on CLOCK_MONOTONIC.

    After `after_ns`, when the last sample began that did not show it, and by `by_ns`, when the first that did had
    ended. `timer` is what the kernel then would still wait, in seconds: in TIME_WAIT, or as an orphan.
    """

    after_ns: int
    by_ns: int
    four_tuple: FourTuple
    state: str | None
    timer: float | None


@dataclass(frozen=True)
class Lifetime:
    """A socket's stay in one state, between two changes."""

    start: StateChange
    end: StateChange

    @property
    def four_tuple(self) -> FourTuple:
        """The socket's four-tuple."""
        return self.start.four_tuple

    @property
    def seconds(self) -> float:
        """Its length, in seconds, from the sample that first showed it to the first that did not."""
        return (self.end.by_ns - self.start.by_ns) / SECOND

    @property
    def lower_bound(self) -> float:
        """What it lasted for certain, in seconds."""
        return (self.end.after_ns - self.start.by_ns) / SECOND

    @property
    def upper_bound(self) -> float:
        """What it can have lasted at most, in seconds."""
        return (self.end.by_ns - self.start.after_ns) / SECOND


class SocketMonitor:
    """Samples of the TCP sockets of one host, taken by a process on it; `changes` grows as they are read."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.changes: list[StateChange] = []
        self.now: dict[FourTuple, str] = {}
        self.ns = 0  # when the last sample that was read had ended
        self._began = 0
        self.read_sample()

    def read_sample(self) -> None:
        """Read one more sample. The host sends one when a socket has changed, and at least one each second."""
        sample = json.loads(self._stream.read_line(PATIENCE))
        after, self._began, self.ns = sample["ns"]
        for *address, state, timer in sample["changes"]:
            change = StateChange(after, self.ns, FourTuple(*address), state, timer)
            self.changes.append(change)
            if state is None:
                del self.now[change.four_tuple]
            else:
                self.now[change.four_tuple] = state

    def up_to(self, ns: int) -> None:
        """Read samples up to the first that began after `ns` (CLOCK_MONOTONIC); unread ones wait in the stream."""
        while self._began <= ns:
            self.read_sample()

    def until(self, condition: Callable[[Mapping[FourTuple, str]], Value], why: str, within: float) -> Value:
        """Read samples until `condition` is true of the sockets in the last one; return what it returned.

        The first that is judged is the one read last. Raises `GaveUp` with `why` after `within` seconds of ours,
        and as many of the host's: samples wait in the stream until they are read, so the last one can be old.
        """
        deadline, deadline_ns = time.monotonic() + within, self.ns + within * SECOND
        while not (value := condition(self.now)):
            if time.monotonic() > deadline and self.ns > deadline_ns:
                raise GaveUp(f"gave up after {within:g} s waiting until {why}; there are {self.count()}")
            self.read_sample()
        return value

    def count(self) -> Counter[str]:
        """Count the sockets by state."""
        return Counter(self.now.values())


@contextmanager
def monitor_sockets(host: Host, period_ms: int) -> Iterator[SocketMonitor]:
    """Sample the sockets of a host every `period_ms` milliseconds until the block ends."""
    with host.stream(probes.argv("socket_monitor", period_ms)) as stream:
        yield SocketMonitor(stream)


def lifetimes(changes: Iterable[StateChange], state: str) -> list[Lifetime]:
    """List every stay in `state` that has an end, in the order of the ends."""
    since: dict[FourTuple, StateChange] = {}
    stays = []
    for change in changes:
        if start := since.pop(change.four_tuple, None):
            stays.append(Lifetime(start, change))
        if change.state == state:
            since[change.four_tuple] = change
    return stays


def counts_over_time(changes: Iterable[StateChange], state: str, origin_ns: int) -> list[tuple[float, int]]:
    """Count the sockets in `state`: (seconds since `origin_ns`, number) for each change of that number."""
    inside: set[FourTuple] = set()
    points: dict[float, int] = {}
    for change in changes:
        (inside.add if change.state == state else inside.discard)(change.four_tuple)
        points[round((change.by_ns - origin_ns) / SECOND, 3)] = len(inside)
    before = [None, *points.values()]
    return [(x, y) for (x, y), last in zip(points.items(), before, strict=False) if y != last]
