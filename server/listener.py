"""What every `socketserver` mode needs on top of the standard library to be left alone for days."""

from __future__ import annotations

import errno
import socket
import sys
from socketserver import TCPServer

from server import connections, handlers
from server.events import emit
from server.settings import Settings

EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}  # accept(2), ERRORS
PAUSE = 0.5  # seconds to leave a listener alone that cannot accept


class Listener(TCPServer):
    """Mix in before a socketserver class: backlog, address reuse, and failures that are said aloud."""

    # Who owns a connection that is served: the account and the conversation are in one process.
    own = staticmethod(connections.track)

    def __init__(self, settings: Settings, backlog: int, bind_and_activate: bool = True) -> None:
        # Too late once it is bound (R02). Who binds it himself sets the option himself.
        self.allow_reuse_address = settings.reuse_address and bind_and_activate
        self.request_queue_size = settings.backlog_or(backlog)
        super().__init__(
            (settings.listen, settings.port), handlers.HANDLERS[settings.handler], bind_and_activate
        )

    def get_request(self) -> tuple[socket.socket, tuple]:
        """accept(2), with a pause where socketserver would spin (P05)."""
        try:
            return super().get_request()
        except OSError as error:
            if exhausted(error):
                connections.stopping.wait(PAUSE)
            raise

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that could not be served, for want of a thread or a process: it is closed."""
        emit("accept_failed", error=str(sys.exception()), seconds=0)


def exhausted(error: OSError) -> bool:
    """Whether accept(2) failed for want of descriptors or memory, which is told; then wait `PAUSE`."""
    if error.errno not in EXHAUSTED:
        return False
    emit("accept_failed", error=errno.errorcode[error.errno], seconds=PAUSE)
    return True
