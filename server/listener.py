"""What every `socketserver` mode needs on top of the standard library to be left alone for days."""

from __future__ import annotations

import errno
import socket
import sys
from socketserver import TCPServer
from typing import Any

from server import connections
from server.echo import Echo
from server.events import emit
from server.settings import Settings

EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}  # accept(2), ERRORS
PAUSE = 0.5  # seconds to leave a listener alone that cannot accept


class Listener(TCPServer):
    """Mix in before a socketserver class: backlog, address reuse, and failures that are said aloud."""

    def __init__(self, settings: Settings, backlog: int) -> None:
        self.allow_reuse_address = settings.reuse_address
        self.request_queue_size = backlog if settings.backlog is None else settings.backlog
        super().__init__(("", settings.port), Echo)

    def get_request(self) -> tuple[socket.socket, Any]:
        """accept(2). socketserver swallows its errors, so out of descriptors it would spin (P05)."""
        try:
            return super().get_request()
        except OSError as error:
            if error.errno in EXHAUSTED:
                emit("accept_failed", error=errno.errorcode[error.errno], seconds=PAUSE)
                connections.stopping.wait(PAUSE)
            raise

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that could not be served, for want of a thread or a process: it is closed."""
        emit("accept_failed", error=str(sys.exception()), seconds=0)
