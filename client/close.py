"""The ways to end a connection, by name: `fin`, `rst`, `half`, `drop`."""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Iterable

from client import exchange
from client.sockets import Socket

_ABORT = struct.pack("ii", 1, 0)


def fin(sockets: Iterable[Socket], timeout_ms: int) -> dict[Socket, tuple[str, int]]:
    """Send FIN, read until the other side's FIN, close. Returns for each who answered, and after how many µs.

    `fin`: it closed too, so a limit no longer counts the connection. `reset`: RST instead. `timeout`: it
    did neither in `timeout_ms` for all. `none`: a listener, which has no other side.
    """
    start_ns = time.monotonic_ns()
    ends: dict[Socket, tuple[str, int]] = {}
    waiting = set()
    for sock in sockets:
        if listens(sock):
            ends[sock] = ("none", 0)
        elif send_fin(sock):
            ends[sock] = ("timeout", timeout_ms * 1000)
            waiting.add(sock)
        else:
            ends[sock] = (_who_ended(sock), 0)
    for sock in exchange.ready(waiting, timeout_ms):
        _, eof, number = exchange.drain(sock)
        if eof or number:
            ends[sock] = ("fin" if eof else "reset", (time.monotonic_ns() - start_ns) // 1000)
            waiting.discard(sock)
    for sock in ends:
        sock.close()
    return ends


def reset(sock: Socket) -> None:
    """Close a connection with RST: SO_LINGER 0 (socket(7))."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
    sock.close()


def rst(sockets: Iterable[Socket], _timeout_ms: int) -> dict[Socket, tuple[str, int]]:
    """Close with RST, which leaves no TIME_WAIT on either side (kernel.md T15)."""
    ends = {}
    for sock in sockets:
        reset(sock)
        ends[sock] = ("none", 0)
    return ends


def half(sockets: Iterable[Socket], _timeout_ms: int) -> dict[Socket, tuple[str, int]]:
    """Send FIN and keep the descriptor: the other side may go on sending (RFC 9293 §3.6)."""
    return {sock: ("none" if send_fin(sock) else _who_ended(sock), 0) for sock in sockets}


def drop(sockets: Iterable[Socket], _timeout_ms: int) -> dict[Socket, tuple[str, int]]:
    """Close as a process does that just ends: nothing is read, nobody is waited for, the rest is the kernel's.

    It sends FIN and keeps an orphan, in FIN_WAIT_2 for at most tcp_fin_timeout (kernel.md T03); RST instead
    if there was unread data (T15).
    """
    ends = {}
    for sock in sockets:
        sock.close()
        ends[sock] = ("none", 0)
    return ends


HOW = {"fin": fin, "rst": rst, "half": half, "drop": drop}


def listens(sock: Socket) -> bool:
    """Return whether this is a listening socket rather than a connection (socket(7))."""
    return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def ended(sockets: Iterable[Socket]) -> int:
    """Count those that the other side has ended: its FIN or RST has come. A listener is never among them.

    Nothing is read: what came before a FIN stays, and so does the error, which recv(2) would tell only once.
    """
    poller = select.poll()
    for sock in sockets:
        poller.register(sock, select.POLLRDHUP)  # beside POLLHUP and POLLERR, which poll(2) always tells
    return len(poller.poll(0))


def send_fin(sock: Socket) -> bool:
    """Send FIN; returns whether there was still a connection, for which shutdown(2) does not say ENOTCONN."""
    try:
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        return False
    return True


def _who_ended(sock: Socket) -> str:
    """Return how a connection ended that is no more: `fin` from both sides, or `reset`."""
    exchange.drain(sock)
    return "reset" if sock in exchange.broken else "fin"
