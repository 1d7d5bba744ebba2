"""The article's first server, without socketserver: accept, greet, receive once, print, close.

One client at a time, and one that says nothing keeps all others waiting: there is no timeout.
"""

from __future__ import annotations

import socket
import threading

from server.connections import Connections
from server.listener import PAUSE, exhausted
from server.settings import Settings

BACKLOG = 5
SERVED_AT_ONCE = 1
KNOBS = ()
GREETING = b"Got a connection from server"


class Greeter:
    """The article's loop; what is added is a way out of it."""

    def __init__(self, settings: Settings, connections: Connections) -> None:
        self.connections = connections
        self.request_queue_size = settings.backlog_or(BACKLOG)
        self._ended = threading.Event()
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, settings.reuse_address)
        self.socket.bind((settings.listen, settings.port))
        self.socket.listen(self.request_queue_size)

    def serve_forever(self, _poll_interval: float) -> None:
        """Serve one client after another until `shutdown`."""
        while not self.connections.stopping.is_set():
            try:
                sock, address = self.socket.accept()
            except OSError as error:
                if exhausted(error):
                    self.connections.stopping.wait(PAUSE)
                continue
            with self.connections.track(sock, *address) as connection:
                connection.send_all(GREETING)
                connection.receive()
        self._ended.set()

    def shutdown(self) -> None:
        """Wake accept(2), which then fails with EINVAL, and wait for the client that is served."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self._ended.wait()

    def server_close(self) -> None:
        self.socket.close()


def build(settings: Settings, connections: Connections) -> Greeter:
    """Return the server, bound and listening."""
    return Greeter(settings, connections)
