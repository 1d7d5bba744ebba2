"""Bytes on open connections: wait until they come, read what is there, exchange one message."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from weakref import WeakSet

from client.sockets import NOW, Socket

# Connections that an error ended. It can be read only once: afterwards the kernel shows a socket that was
# reset and one that was closed by both sides alike.
broken: WeakSet[Socket] = WeakSet()
_CHUNK = 65_536


def ready(waiting: set[Socket], timeout_ms: int) -> Iterator[Socket]:
    """Yield each socket whenever bytes, a FIN or an error are there to be read.

    Ends when the caller has discarded all of them from `waiting`, or the time is over.
    """
    end_ns = time.monotonic_ns() + timeout_ms * 1_000_000
    if len(waiting) == 1:  # an epoll(7) of its own would be three calls more
        yield from _one_ready(waiting, end_ns)
        return
    by_fd = {sock.fileno(): sock for sock in waiting}
    with select.epoll() as poller:
        for fd in by_fd:
            poller.register(fd, select.EPOLLIN)
        while waiting:
            for fd, _ in poller.poll(max(0, end_ns - time.monotonic_ns()) / 1e9):
                yield by_fd[fd]
                if by_fd[fd] not in waiting:
                    poller.unregister(fd)
            if time.monotonic_ns() >= end_ns:
                return


def _one_ready(waiting: set[Socket], end_ns: int) -> Iterator[Socket]:
    (sock,) = waiting
    poller = select.poll()
    poller.register(sock, select.POLLIN)
    while waiting:
        if poller.poll(max(0, end_ns - time.monotonic_ns()) / 1e6):
            yield sock
        if time.monotonic_ns() >= end_ns:
            return


def drain(sock: Socket, limit: int = _CHUNK) -> tuple[bytes, bool, int | None]:
    """Read what is there, up to `limit` bytes. Returns the bytes, whether a FIN followed, errno (0: none)."""
    data = b""
    try:
        while len(data) < limit:
            part = sock.recv(limit - len(data), NOW)
            if not part:
                return data, True, 0
            data += part
    except BlockingIOError:
        pass
    except OSError as error:
        broken.add(sock)
        return data, False, error.errno
    return data, False, 0


def send(sock: Socket, data: bytes | memoryview) -> tuple[int, int | None]:
    """Hand the kernel what it takes without waiting. Returns the bytes taken, errno (EAGAIN: its buffer is full)."""
    sent = 0
    try:
        while sent < len(data):
            sent += sock.send(data[sent : sent + _CHUNK], NOW)
    except BlockingIOError as error:
        return sent, error.errno
    except OSError as error:
        broken.add(sock)
        return sent, error.errno
    return sent, 0


def echo(messages: dict[Socket, bytes], timeout_ms: int) -> dict[Socket, int | None]:
    """Send each socket its message and wait until it comes back, whatever else (a greeting) comes first.

    Returns for each: 0 echoed, an errno, or None if there was no echo in time or before the FIN.
    """
    result: dict[Socket, int | None] = dict.fromkeys(messages)
    seen = dict.fromkeys(messages, b"")
    waiting = set()
    for sock, message in messages.items():
        _, number = send(sock, message)
        if number:
            result[sock] = number
        else:
            waiting.add(sock)
    for sock in ready(waiting, timeout_ms):
        data, eof, number = drain(sock)
        seen[sock] += data
        if messages[sock] in seen[sock]:
            result[sock] = 0
        elif number:
            result[sock] = number
        elif not eof:
            continue
        waiting.discard(sock)
    return result
