"""`ForkingTCPServer`: a process for each connection, and at most 40 of them (P06).

At the cap the parent waits in waitpid(2) and accepts nobody: six more are connected and unserved (B08).
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
from contextlib import AbstractContextManager
from socketserver import ForkingMixIn, TCPServer

from server.connection import CLOSE_WAIT, ESTABLISHED, Connection, conversation, state
from server.connections import Connections
from server.listener import Listener
from server.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BACKLOG = 5
SERVED_AT_ONCE = 40  # ForkingMixIn.max_children
KNOBS = ("GREETING", "HANDLER")


class ForkingServer(ForkingMixIn, Listener):
    """The account is the parent's, the conversation the child's, the socket both's until the child ends.

    So the parent can still close a connection, and knows when it is over: when it has reaped the child.
    """

    def __init__(self, settings: Settings, connections: Connections, backlog: int) -> None:
        self.serving: dict[int, Connection] = {}
        super().__init__(settings, connections, backlog)

    def conversation(
        self, sock: socket.socket, source: str, source_port: int
    ) -> AbstractContextManager[Connection]:
        """Return the connection to serve in the child; its account is the parent's."""
        return conversation(sock, source, source_port)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Fork (in the standard library), and remember which child has which connection."""
        connection = Connection(request, *client_address[:2])
        self.connections.admit(request, connection.source, connection.source_port)
        try:
            super().process_request(request, client_address)
        except OSError:  # no process to be had
            self._lose(connection)
            raise
        (child,) = (self.active_children or set()) - self.serving.keys()
        self.serving[child] = connection

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the child: keep nothing of the parent's but this connection.

        A listener that outlives its parent in a child blocks the port (R05), another client's connection
        could not end. The signal mask is inherited too: unblocked, `kill` ends this child only.
        """
        os.closerange(3, request.fileno())
        os.closerange(request.fileno() + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        super().finish_request(request, client_address)

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Serve until `shutdown`; wake up in between, because a child that ends does not wake poll(2)."""
        TCPServer.serve_forever(self, poll_interval)

    def close_request(self, request: Any) -> None:
        """Not yet: the parent closes its descriptor in `collect_children`, the child's ends with it."""

    def collect_children(self, *, blocking: bool = False) -> None:
        """Reap who has ended (the standard library does, ten times a second), and close their accounts."""
        super().collect_children(blocking=blocking)
        for child in self.serving.keys() - (self.active_children or set()):
            connection = self.serving.pop(child)
            if state(connection.sock) in (ESTABLISHED, CLOSE_WAIT):
                self._lose(connection)  # without our FIN: the child was killed, and has said nothing
            else:
                self.connections.forget(connection.sock)
                connection.sock.close()

    def shutdown(self) -> None:
        """Stop accepting, then wait for the children, whose connections are being closed meanwhile."""
        super().shutdown()
        self.collect_children(blocking=True)

    def server_close(self) -> None:
        """Close the listener, and end the children that are left, if any: no orphans."""
        for child in list(self.serving):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        TCPServer.server_close(self)  # not ForkingMixIn's: `shutdown` is what waits for children

    def _lose(self, connection: Connection) -> None:
        connection.emit("closed", bytes_in=None, bytes_out=None, seconds=None, by="error", error="no process")
        self.connections.forget(connection.sock)
        connection.sock.close()


def build(settings: Settings, connections: Connections) -> ForkingServer:
    """Return the server, bound and listening."""
    return ForkingServer(settings, connections, BACKLOG)
