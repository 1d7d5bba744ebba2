"""Who is connected: every open connection, and the totals per source that `status` tells.

Counts are kept by moment too (server/history.py), because an address is not a host. The account belongs to the
process that accepts. Where a connection is served in another process (the forking mode), that one only `carry`s it
and the account stays with the parent, which holds a descriptor of the same socket: shutdown(2) acts on the
connection, whoever calls it.
"""

from __future__ import annotations

import collections
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from server.connection import Connection, established
from server.history import History

_lock = threading.Lock()
_open: dict[socket.socket, tuple[str, int, float]] = {}  # address, port, and when it was established
_totals: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
_moments: dict[tuple[str, str], History] = collections.defaultdict(History)  # by source and what
stopping = threading.Event()


@contextlib.contextmanager
def track(sock: socket.socket, source: str, source_port: int) -> Iterator[Connection]:
    """Own an accepted connection, from `accepted` to `closed`, in the process that accepted it."""
    admit(sock, source, source_port)
    try:
        with carry(sock, source, source_port) as connection:
            yield connection
    finally:  # last, because the host stops when nobody is left, and `closed` must have been said by then
        forget(sock)


def admit(sock: socket.socket, source: str, source_port: int) -> None:
    """Enter an accepted connection into the account; emits `accepted`.

    Its `open` is what this process has taken and not closed. The kernel is ahead of it, and the limit is the
    kernel's: a slot is free before the process has closed, so `open` can be above the limit.
    """
    moment = established(sock)
    with _lock:
        _open[sock] = (source, source_port, moment)
        _totals[source]["accepted"] += 1
        _moments[source, "accepted"].add(moment, moment)
        now = sum(peer == source for peer, _, _ in _open.values())
    Connection(sock, source, source_port).tell("accepted", open=now)
    if stopping.is_set():
        _shut(sock, socket.SHUT_RD)


@contextlib.contextmanager
def carry(sock: socket.socket, source: str, source_port: int) -> Iterator[Connection]:
    """Serve a connection: on the way out closes it with FIN and emits `closed`.

    Connection errors (the peer reset it, or vanished) end the connection, not the server.
    """
    began, connection = time.monotonic(), Connection(sock, source, source_port)
    trouble = None
    try:
        yield connection
    except OSError as error:
        trouble = error
    finally:
        ended = connection.ended(trouble)
        _shut(sock, socket.SHUT_WR)
        sock.close()
        connection.tell("closed", bytes_in=connection.received, bytes_out=connection.sent,
                        seconds=round(time.monotonic() - began, 6), **ended)  # fmt: skip


def forget(sock: socket.socket) -> None:
    """Take a connection out of the account."""
    with _lock:
        del _open[sock]


def refused(source: str, earliest: float, latest: float) -> None:
    """Count one refusal by the policy, at a moment between these two."""
    with _lock:
        _totals[source]["refused"] += 1
        _moments[source, "refused"].add(earliest, latest)


def held() -> int:
    """How many connections are open now."""
    return len(_open)


def snapshot(
    after: Mapping[str, float] | None = None, by: Mapping[str, float] | None = None
) -> dict[str, dict[str, object]]:
    """`{source: {"open": …, "accepted": …, "refused": …}}` for every source seen since the start.

    `after` and `by` have, for a source, two moments between which the host began that has this address now. Such a
    source has, under `since`, what was counted from then on; `…_perhaps`, what may have been before; and `earlier`,
    the ports of connections that an earlier host of this address has left open. Raises ValueError for nonsense.
    """
    asked = {source: (float(began), float((by or {})[source])) for source, began in (after or {}).items()}
    with _lock:
        now = collections.Counter(source for source, _, _ in _open.values())
        found: dict[str, dict[str, object]] = {
            source: {"open": now[source], "accepted": total["accepted"], "refused": total["refused"]}
            for source, total in _totals.items()
        }
        for source in asked.keys() & found.keys():
            found[source]["since"] = _since(source, *asked[source])
    return found


def _since(source: str, after: float, by: float) -> dict[str, object]:
    said: dict[str, object] = {}
    for what in ("accepted", "refused"):
        if history := _moments.get((source, what)):
            said[what], said[f"{what}_perhaps"] = history.since(after, by)
        else:
            said[what], said[f"{what}_perhaps"] = 0, 0
    ours = ((port, began) for whose, port, began in _open.values() if whose == source)
    return {**said, "earlier": sorted(port for port, began in ours if began < after)}


def close(source: str, source_port: str | None = None) -> int:
    """Close the connections from this address and port with FIN; returns how many there were. Without a
    port: all from this address.

    The reading side is shut, so the handler sees the end and closes in its own order. Connections that
    still wait for accept(2) are the kernel's, and not found here. Raises ValueError for a bad port.
    """
    port = None if source_port is None else int(source_port)
    with _lock:
        sockets = [sock for sock, (whose, own, _) in _open.items() if whose == source and port in (None, own)]
    for sock in sockets:
        _shut(sock, socket.SHUT_RD)
    return len(sockets)


def close_all(within: float, done: Callable[[], bool]) -> None:
    """Close every connection with FIN, in at most `within` seconds; returns once they are and `done()`.

    First only the reading side: a handler still echoes what it has received, then sees the end. One that
    is stuck in send(2), because its client never reads, is cut off after half of the time.
    """
    for how in (socket.SHUT_RD, socket.SHUT_RDWR):
        with _lock:
            sockets = list(_open)
        for sock in sockets:
            _shut(sock, how)
        deadline = time.monotonic() + within / 2
        while (_open or not done()) and time.monotonic() < deadline:
            time.sleep(0.005)


def _shut(sock: socket.socket, how: int) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(how)
