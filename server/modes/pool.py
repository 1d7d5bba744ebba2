"""A pool: POOL_SIZE threads, each of which calls `serve_forever` on one plain `TCPServer`.

The article's listing is wrong twice. It never binds: accept(2) fails for ever, silently, and the port is
closed (P13). And it shares a ThreadingTCPServer, whose loops only start further threads: that pool bounds
nothing (P12). Here a loop serves a client itself, so N threads serve N clients and six more wait (B01).
"""

from __future__ import annotations

import contextlib
import socket
import threading

from server.connections import Connections
from server.listener import Listener
from server.settings import Settings

BACKLOG = 5
SERVED_AT_ONCE = "POOL_SIZE"
KNOBS = ("GREETING", "HANDLER", "POOL_SIZE")


class Stopped(Exception):
    """The way out of one thread's `serve_forever`."""


class PoolServer(Listener):
    """socketserver's own `shutdown` would stop one loop of N, and none that waits in accept(2) (P11)."""

    size = 1

    def serve_forever(self, _poll_interval: float = 0.5) -> None:
        """Start the threads and wait until they have ended."""
        threads = [threading.Thread(target=self._work, name=f"pool-{n}") for n in range(self.size)]
        for thread in threads:
            thread.daemon = True
            thread.start()
        for thread in threads:
            thread.join()
        self._ended.set()

    def service_actions(self) -> None:
        """End this loop if the server stops; each loop calls it after each client."""
        if self.connections.stopping.is_set():
            raise Stopped

    def shutdown(self) -> None:
        """Wake every thread, those in poll(2) and those in accept(2) (EINVAL), and wait for their clients."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self._ended.wait()

    def server_activate(self) -> None:
        super().server_activate()
        self._ended = threading.Event()

    def _work(self) -> None:
        with contextlib.suppress(Stopped):
            super().serve_forever()


def build(settings: Settings, connections: Connections) -> PoolServer:
    """Return the server, bound and listening."""
    return bound(PoolServer, settings, connections)


def bound(kind: type[PoolServer], settings: Settings, connections: Connections) -> PoolServer:
    """Return a server made in the article's second way: unbound, options on its socket, bind, listen."""
    server = kind(settings, connections, BACKLOG, bind_and_activate=False)
    server.size = settings.pool_size
    if settings.reuse_address:
        server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.server_bind()
    server.server_activate()
    return server
