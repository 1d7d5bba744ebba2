"""What every `socketserver` mode needs on top of the standard library to be left alone for days."""

from __future__ import annotations

import errno
import socket
import sys
from contextlib import AbstractContextManager
from socketserver import BaseRequestHandler, TCPServer

from connlab.machine.events import emit
from server.connection import Connection
from server.connections import Connections
from server.handlers import HANDLERS, greeting
from server.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:  # at run time it would cost each start 5 ms
    from typing import Any

EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}  # accept(2), ERRORS
PAUSE = 0.5  # seconds to leave a listener alone that cannot accept


def somaxconn() -> int:
    """Return the longest accept queue that this host's kernel gives a listener (net.core.somaxconn)."""
    with open("/proc/sys/net/core/somaxconn") as file:
        return int(file.read())


class Listener(TCPServer):
    """Mix in before a socketserver class: backlog, address reuse, and failures that are said aloud."""

    def __init__(
        self, settings: Settings, connections: Connections, backlog: int, bind_and_activate: bool = True
    ) -> None:
        self.connections, self.handler = connections, HANDLERS[settings.handler]
        # Too late once it is bound (R02). Who binds it himself sets the option himself.
        self.allow_reuse_address = settings.reuse_address and bind_and_activate
        self.request_queue_size = settings.backlog_or(backlog)
        super().__init__((settings.listen, settings.port), BaseRequestHandler, bind_and_activate)

    def serve_forever(self, _poll_interval: float = 0.5) -> None:
        """Serve until `shutdown`, which wakes the loop: nothing has to be noticed in between."""
        super().serve_forever(None)  # type: ignore[arg-type]  # selectors takes None: no timeout

    def shutdown(self) -> None:
        """Reset those that wait for accept(2), which wakes poll(2), and wait until the loop has ended."""
        self.socket.shutdown(socket.SHUT_RDWR)
        super().shutdown()

    def conversation(
        self, sock: socket.socket, source: str, source_port: int
    ) -> AbstractContextManager[Connection]:
        """Return the connection to serve: its account and its conversation are in one process."""
        return self.connections.track(sock, source, source_port)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Greet the client, and call the handler (HANDLER)."""
        with self.conversation(request, *client_address[:2]) as connection:
            connection.send_all(greeting())
            self.handler(connection)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Call accept(2), with a pause where socketserver would spin (P05)."""
        try:
            return super().get_request()
        except OSError as error:
            if exhausted(error):
                self.connections.stopping.wait(PAUSE)
            raise

    def handle_error(self, request: object, client_address: object) -> None:
        """Report a connection that could not be served, for want of a thread or a process: it is closed."""
        emit("accept_failed", error=str(sys.exception()), seconds=0)


def exhausted(error: OSError) -> bool:
    """Return whether accept(2) failed for want of descriptors or memory, which is reported; then wait `PAUSE`."""
    if error.errno not in EXHAUSTED:
        return False
    emit("accept_failed", error=errno.errorcode[error.errno], seconds=PAUSE)
    return True
