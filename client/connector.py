"""Connection attempts: dial one or many, at the pace that is asked for."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator

from client import resolver, single_dial
from client.attempt import HARNESS_ERROR, Attempt
from client.source_range import SourceRange, own_end

_SPIN_NS = 1_000_000
_Pending = dict[int, tuple[Attempt, socket.socket]]


def dial(
    host: str,
    port: int,
    *,
    count: int = 1,
    in_flight: int = 1,
    gap_ms: int = 0,
    timeout_ms: int = 2000,
    at_ns: int | None = None,
    sources: SourceRange | None = None,
    source_port: int | None = None,
) -> Iterator[tuple[Attempt, socket.socket | None]]:
    """Dial `count` times, `in_flight` at once; yields each attempt as it ends, with its socket if established.

    Fields as in docs/agent.md; the name is resolved once. Never raises for an attempt
    that fails; a name without an address is one attempt, a `harness_error`. With `source_port` each dial has
    the port after that of the one before, with `sources` the next of these addresses. The gap is kept after each
    start and after each end, so that with several in flight too no SYN comes sooner than `gap_ms` after another one
    or after a refusal.
    """
    start_ns = time.monotonic_ns()
    try:
        target = (resolver.resolve(host), port)
    except socket.gaierror as error:
        attempt = Attempt(1, target=host, target_port=port, start_ns=start_ns)
        yield single_dial.decide(attempt, None, error.errno, HARNESS_ERROR)
        return
    pending: _Pending = {}
    _barrier(at_ns)
    gap_ns = gap_ms * 1_000_000
    started, next_ns = 0, time.monotonic_ns() + gap_ns
    with select.epoll() as poller:
        while started < count or pending:
            ended = []
            if started < count and len(pending) < in_flight and time.monotonic_ns() >= next_ns:
                started += 1
                own = own_end(sources, source_port, started)
                attempt, sock, number, outcome = single_dial.start(target, started, *own)
                next_ns = time.monotonic_ns() + gap_ns
                if sock and number in single_dial.UNDECIDED:
                    pending[sock.fileno()] = attempt, sock
                    poller.register(sock, select.EPOLLOUT)
                else:
                    ended.append(single_dial.decide(attempt, sock, number, outcome))
            more = started < count and len(pending) < in_flight
            wait_s = _until_next(pending, timeout_ms, next_ns if more else None)
            ended += _answered(poller, pending, wait_s, timeout_ms)
            if ended and gap_ns:
                next_ns = time.monotonic_ns() + gap_ns
            yield from ended


def one(
    target: tuple[str, int], number: int, timeout_ms: int, source: str | None, source_port: int | None
) -> tuple[Attempt, socket.socket | None]:
    """Dial once, as `dial` does; most dials are decided when connect(2) returns, and need no epoll(7)."""
    attempt, sock, error_number, outcome = single_dial.start(target, number, source, source_port)
    if sock is None or error_number not in single_dial.UNDECIDED:
        return single_dial.decide(attempt, sock, error_number, outcome)
    pending: _Pending = {sock.fileno(): (attempt, sock)}
    with select.epoll() as poller:
        poller.register(sock, select.EPOLLOUT)
        while not (ended := _answered(poller, pending, _until_next(pending, timeout_ms, None), timeout_ms)):
            pass
    return ended[0]


def salvo(
    host: str,
    port: int,
    *,
    count: int,
    timeout_ms: int,
    sources: SourceRange | None = None,
    source_port: int | None = None,
) -> Iterator[tuple[Attempt, socket.socket | None]]:
    """Make all sockets first, then connect them back to back; yields as `dial` does.

    Nothing stands between two SYNs but connect(2), so that as many as can share a jiffy of a slow machine too (J01).
    """
    target = (host, port)
    prepared = [single_dial.prepare(*own_end(sources, source_port, at)) for at in range(1, count + 1)]
    numbers = []
    for sock, number in prepared:
        moment = time.monotonic_ns()
        numbers.append((moment, sock.connect_ex(target) if sock and not number else number))
    pending: _Pending = {}
    with select.epoll() as poller:
        for at, ((sock, problem), (moment, number)) in enumerate(zip(prepared, numbers, strict=True), 1):
            attempt = Attempt(at, target=host, target_port=port, start_ns=moment)
            if problem or sock is None:
                yield single_dial.decide(attempt, sock, number, HARNESS_ERROR)
                continue
            attempt = single_dial.with_source(attempt, sock)
            if number in single_dial.UNDECIDED:
                pending[sock.fileno()] = attempt, sock
                poller.register(sock, select.EPOLLOUT)
            else:
                yield single_dial.decide(attempt, sock, number)
        while pending:
            yield from _answered(poller, pending, _until_next(pending, timeout_ms, None), timeout_ms)


def _answered(
    poller: select.epoll, pending: _Pending, wait_s: float, timeout_ms: int
) -> list[tuple[Attempt, socket.socket | None]]:
    """Wait at most so long for answers; the dials that end by one, or by their deadline, are pending no more."""
    ended = []
    if pending or wait_s:
        for fd, event in poller.poll(wait_s):
            number = single_dial.answer(pending[fd][1], event)
            if number not in single_dial.UNDECIDED:
                poller.unregister(fd)
                ended.append(single_dial.decide(*pending.pop(fd), number))
    for fd in _overdue(pending, timeout_ms):
        ended.append(single_dial.decide(*pending.pop(fd), None, "timed_out"))
    return ended


def _until_next(pending: _Pending, timeout_ms: int, next_ns: int | None) -> float:
    """Return the seconds until something is due: the next dial, or the deadline of the oldest pending one."""
    due = [] if next_ns is None else [next_ns]
    for attempt, _ in pending.values():
        due.append(attempt.start_ns + timeout_ms * 1_000_000)
        break
    return max(0.0, (min(due, default=0) - time.monotonic_ns()) / 1e9)


def _overdue(pending: _Pending, timeout_ms: int) -> list[int]:
    """Return the descriptors whose deadline passed; they are in order of start, so the first one in time ends it."""
    deadline, overdue = time.monotonic_ns() - timeout_ms * 1_000_000, []
    for fd, (attempt, _) in pending.items():
        if attempt.start_ns > deadline:
            break
        overdue.append(fd)
    return overdue


def _barrier(at_ns: int | None) -> None:
    """Sleep until shortly before a moment, then spin to it: a sleep alone wakes up some 100 µs late."""
    if at_ns:
        time.sleep(max(0, at_ns - _SPIN_NS - time.monotonic_ns()) / 1e9)
        while time.monotonic_ns() < at_ns:
            pass
