"""Not in the article: one process, one thread, no connection ever waited for (`selectors`, epoll(7)).

Each conversation is a generator that reads like a thread's; where a thread would wait, it yields what for.
A connection has at most one message in memory: nothing is received while an echo is not yet taken, so a
client that never reads costs the kernel's buffers and 1 KiB, and then TCP slows it down.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Iterator
from selectors import EVENT_READ, EVENT_WRITE

from server.connection import Connection
from server.connections import Connections
from server.handlers import greeting
from server.listener import PAUSE, exhausted, somaxconn
from server.settings import Settings

# All that the kernel gives: a client that closes before it is accepted keeps its place, and a SYN for which there is
# none is sent again after a second.
BACKLOG = somaxconn()
# Connections that are accepted before those who wait for a turn have one.
AT_A_TIME = 64
SERVED_AT_ONCE = None
KNOBS = ("GREETING",)


def converse(connections: Connections, sock: socket.socket, source: str, source_port: int) -> Iterator[int]:
    """Serve one whole connection; yields the event that it needs to go on."""
    with connections.track(sock, source, source_port) as connection:
        yield from _send(connection, greeting())
        while True:
            try:
                data = connection.receive()
            except BlockingIOError:  # the first bytes are often there already, and then nobody waits for them
                yield EVENT_READ
                continue
            if not data:
                return
            yield from _send(connection, data)
            yield EVENT_READ


def _send(connection: Connection, data: bytes) -> Iterator[int]:
    while data:
        try:
            data = data[connection.send(data) :]
        except BlockingIOError:
            yield EVENT_WRITE


class SelectorServer:
    """The loop: whoever is ready goes on, until it has to wait again."""

    def __init__(self, settings: Settings, connections: Connections) -> None:
        self.connections = connections
        self.request_queue_size = settings.backlog_or(BACKLOG)
        self._stop, self._ended = False, threading.Event()
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, settings.reuse_address)
        self.socket.bind((settings.listen, settings.port))
        self.socket.listen(self.request_queue_size)

    def serve_forever(self, _poll_interval: float) -> None:
        """Serve until `shutdown`, and then until the last connection is closed."""
        with selectors.DefaultSelector() as ready:
            accept_after, accepting = 0.0, False
            while True:
                stop, pause = self._stop, max(0.0, accept_after - time.monotonic()) if accept_after else 0.0
                if accepting != (not stop and not pause):
                    # The listener is left alone while it cannot accept (P05).
                    accepting = not accepting
                    if accepting:
                        ready.register(self.socket, EVENT_READ)
                    else:
                        ready.unregister(self.socket)
                if stop and not ready.get_map():
                    break
                for key, _ in ready.select(pause or None):
                    if key.fileobj is not self.socket:
                        _go_on(ready, key)
                    elif not self._accept(ready):
                        accept_after = time.monotonic() + PAUSE
        self._ended.set()

    def shutdown(self) -> None:
        """Take no more connections, and wait for the end of those that there are."""
        self._stop = True
        self.socket.shutdown(socket.SHUT_RDWR)  # wakes the loop, if it waits for newcomers
        self._ended.wait()

    def server_close(self) -> None:
        self.socket.close()

    def _accept(self, ready: selectors.BaseSelector) -> bool:
        """Start the conversations of those who wait; false if there is no descriptor for one."""
        for _ in range(AT_A_TIME):
            try:
                sock, address = self.socket.accept()
            except OSError as error:  # nobody waits any more, or who did has gone again
                return not exhausted(error)
            sock.setblocking(False)
            conversation = converse(self.connections, sock, *address)
            if event := next(conversation, None):
                ready.register(sock, event, conversation)
        return True


def _go_on(ready: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    event = next(key.data, None)
    if event and event != key.events:
        ready.modify(key.fd, event, key.data)
    elif not event:
        ready.unregister(key.fd)  # by its number: the socket is closed and has forgotten it


def build(settings: Settings, connections: Connections) -> SelectorServer:
    """Return the server, bound and listening."""
    return SelectorServer(settings, connections)
