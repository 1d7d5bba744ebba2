"""Who is connected: every open connection, and the totals per source that `status` tells.

The account belongs to the process that accepts. Where a connection is served in another process (the
forking mode), that one only `carry`s it and the account stays with the parent, which holds a descriptor of
the same socket: shutdown(2) acts on the connection, whoever calls it.
"""

from __future__ import annotations

import collections
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

from server.connection import Connection

_lock = threading.Lock()
_open: dict[socket.socket, tuple[str, int]] = {}
_totals: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
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
    """Enter an accepted connection into the account; emits `accepted`."""
    with _lock:
        _open[sock] = (source, source_port)
        _totals[source]["accepted"] += 1
        now = sum(peer == source for peer, _ in _open.values())
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


def refused(source: str) -> None:
    """Count one refusal by the policy."""
    with _lock:
        _totals[source]["refused"] += 1


def held() -> int:
    """How many connections are open now."""
    return len(_open)


def snapshot() -> dict[str, dict[str, int]]:
    """`{source: {"open": …, "accepted": …, "refused": …}}` for every source seen since the start."""
    with _lock:
        now = collections.Counter(source for source, _ in _open.values())
        return {
            source: {"open": now[source], "accepted": total["accepted"], "refused": total["refused"]}
            for source, total in _totals.items()
        }


def close(source: str, source_port: str | None = None) -> int:
    """Close the connections from this address and port with FIN; returns how many there were. Without a
    port: all from this address.

    The reading side is shut, so the handler sees the end and closes in its own order. Connections that
    still wait for accept(2) are the kernel's, and not found here. Raises ValueError for a bad port.
    """
    port = None if source_port is None else int(source_port)
    with _lock:
        sockets = [sock for sock, (whose, own) in _open.items() if whose == source and port in (None, own)]
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
