"""A server that stands in nobody's way: it accepts at once, sends back what it gets, and closes when the peer does."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterable

from namespaces.netns import Namespace

WILDCARDS = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}


class Server:
    """Listeners on each port, over IPv4 and IPv6."""

    def __init__(self, namespace: Namespace, ports: Iterable[int], backlog: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._sockets: set[socket.socket] = set()
        for port in ports:
            for family, address in WILDCARDS.items():
                listener = namespace.socket(family)
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                listener.bind((address, port))
                listener.listen(backlog)
                self._watch(listener, self._accept)

    def _watch(self, sock: socket.socket, act: object) -> None:
        self._sockets.add(sock)
        self._loop.add_reader(sock, act, sock)  # type: ignore[arg-type]

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while True:
                connection, _ = listener.accept()
                connection.setblocking(False)
                self._watch(connection, self._answer)

    def _answer(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(1 << 16)
            if data:
                connection.send(data)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(connection)

    def _drop(self, sock: socket.socket) -> None:
        self._loop.remove_reader(sock)
        self._sockets.discard(sock)
        sock.close()

    def close(self) -> None:
        """Close every socket."""
        for sock in list(self._sockets):
            self._drop(sock)
