"""Who is connected: every open connection, and the totals per source that `status` tells."""

from __future__ import annotations

import collections
import contextlib
import errno
import socket
import threading
import time
from collections.abc import Iterator

from server.events import emit

_lock = threading.Lock()
_open: dict[socket.socket, tuple[str, int]] = {}
_totals: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
_told_to_close: set[socket.socket] = set()
stopping = threading.Event()


class Traffic:
    """Bytes of one connection, both ways, as recv(2) and send(2) counted them."""

    received = 0
    sent = 0


@contextlib.contextmanager
def track(sock: socket.socket, source: str, source_port: int) -> Iterator[Traffic]:
    """Own an accepted connection: emits `accepted`, and on the way out closes it and emits `closed`.

    Connection errors (the peer reset it, or vanished) end the connection, not the server.
    """
    began, traffic = time.monotonic(), Traffic()
    with _lock:
        _open[sock] = (source, source_port)
        _totals[source]["accepted"] += 1
        now = sum(peer == source for peer, _ in _open.values())
    emit("accepted", source=source, source_port=source_port, open=now)
    ended: dict[str, str] = {"by": "client"}
    try:
        yield traffic
    except (ConnectionResetError, BrokenPipeError):
        ended = {"by": "reset"}
    except OSError as error:
        ended = {"by": "error", "error": errno.errorcode.get(error.errno or 0, str(error))}
    finally:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_WR)
        sock.close()
        with _lock:
            if sock in _told_to_close or stopping.is_set():
                ended = {"by": "server"}
            _told_to_close.discard(sock)
        emit("closed", source=source, source_port=source_port, bytes_in=traffic.received,
             bytes_out=traffic.sent, seconds=round(time.monotonic() - began, 6), **ended)  # fmt: skip
        # Last, because the host stops when nobody is left, and `closed` must have been said by then.
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


def close(source: str, source_port: str) -> int:
    """Close the connections from this address and port with FIN; returns how many there were.

    The reading side is shut, so the handler sees the end and closes in its own order.
    """
    with _lock:
        sockets = [sock for sock, peer in _open.items() if peer == (source, int(source_port))]
        _told_to_close.update(sockets)
    for sock in sockets:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RD)
    return len(sockets)


def close_all(within: float) -> None:
    """Close every connection with FIN, in at most `within` seconds.

    First only the reading side: a handler still echoes what it has received, then sees the end. One that
    is stuck in send(2), because its client never reads, is cut off after half of the time.
    """
    stopping.set()
    for how in (socket.SHUT_RD, socket.SHUT_RDWR):
        with _lock:
            sockets = list(_open)
        for sock in sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(how)
        deadline = time.monotonic() + within / 2
        while _open and time.monotonic() < deadline:
            time.sleep(0.005)
