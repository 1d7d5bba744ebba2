"""When the dials of a request begin: at the pace that is asked for, or all back to back."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator

from client.dialling import UNDECIDED, Dialling, answer
from client.sockets import Socket

_SPIN_NS = 1_000_000
_MOST_ANSWERS = 256  # of one epoll_wait(2)
Ended = tuple[int, Socket | None]  # the row of an attempt, and its socket if it is established
_Pending = dict[int, tuple[int, Socket]]  # by descriptor, in order of start


def dial(
    dialling: Dialling, *, in_flight: int = 1, gap_ms: int = 0, at_ns: int | None = None
) -> Iterator[Ended]:
    """Dial as often as is asked for, `in_flight` at once, from a moment on; yields each attempt as it ends.

    Never raises for one that fails. The gap is kept after each start and after each end, so that with several in
    flight too no SYN comes sooner than `gap_ms` after another one or after a refusal.
    """
    pending: _Pending = {}
    gap_ns = gap_ms * 1_000_000
    _barrier(at_ns)
    next_ns = time.monotonic_ns() + gap_ns
    with dialling.epoll:
        while dialling.left or pending:
            if dialling.left and len(pending) < in_flight and not (gap_ns and time.monotonic_ns() < next_ns):
                row, sock, undecided = dialling.start()
                next_ns = time.monotonic_ns() + gap_ns
                if sock and undecided:
                    _wait_for(dialling, pending, row, sock)
                else:
                    yield row, sock
            if pending or gap_ns:
                more = dialling.left and len(pending) < in_flight
                ended = _answered(dialling, pending, next_ns if more else None)
                if ended:
                    next_ns = time.monotonic_ns() + gap_ns
                yield from ended


def salvo(dialling: Dialling) -> Iterator[Ended]:
    """Make all sockets first, then connect them back to back; yields as `dial` does.

    Nothing stands between two SYNs but connect(2), so that as many as can share a jiffy of a slow machine too (J01).
    """
    attempts, target = dialling.attempts, dialling.target
    pending: _Pending = {}
    dialling.left = 0
    prepared = [dialling.prepare(row) for row in range(attempts.count)]
    numbers = []
    for row, sock in enumerate(prepared):
        if sock:
            attempts.start_ns[row] = time.monotonic_ns()
            numbers.append(sock.connect_ex(target))
        else:
            numbers.append(0)
    with dialling.epoll:
        for row, (sock, number) in enumerate(zip(prepared, numbers, strict=True)):
            if sock:
                attempts.came_from(row, sock)
            if sock and number in UNDECIDED:
                _wait_for(dialling, pending, row, sock)
            else:
                yield row, sock and dialling.decide(row, sock, number)
        while pending:
            yield from _answered(dialling, pending, None)


def _wait_for(dialling: Dialling, pending: _Pending, row: int, sock: Socket) -> None:
    pending[sock.fileno()] = row, sock
    dialling.epoll.register(sock, select.EPOLLOUT)


def _answered(dialling: Dialling, pending: _Pending, next_ns: int | None) -> list[Ended]:
    """Wait for answers until the next dial is due; those that end, by one or by their deadline, are pending no more."""
    ended: list[Ended] = []
    for descriptor, event in dialling.epoll.poll(_patience(dialling, pending, next_ns), _MOST_ANSWERS):
        row, sock = pending[descriptor]
        number = answer(sock, event)
        if number not in UNDECIDED:
            dialling.epoll.unregister(descriptor)
            del pending[descriptor]
            ended.append((row, dialling.decide(row, sock, number)))
    limit_ns = time.monotonic_ns() - dialling.timeout_ns
    while pending:
        descriptor, (row, sock) = next(iter(pending.items()))
        if dialling.attempts.start_ns[row] > limit_ns:
            break
        del pending[descriptor]
        ended.append((row, dialling.decide(row, sock, None, "timed_out")))
    return ended


def _patience(dialling: Dialling, pending: _Pending, next_ns: int | None) -> float:
    """Return the seconds until something is due: the next dial, or the deadline of the oldest pending one."""
    due = [] if next_ns is None else [next_ns]
    for row, _ in pending.values():
        due.append(dialling.attempts.start_ns[row] + dialling.timeout_ns)
        break
    return max(0.0, (min(due, default=0) - time.monotonic_ns()) / 1e9)


def _barrier(at_ns: int | None) -> None:
    """Sleep until shortly before a moment, then spin to it: a sleep alone wakes up some 100 µs late."""
    if at_ns:
        time.sleep(max(0, at_ns - _SPIN_NS - time.monotonic_ns()) / 1e9)
        while time.monotonic_ns() < at_ns:
            pass
