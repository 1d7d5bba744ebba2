"""The article's conversation: receive up to 1024 bytes, print them, send them back."""

from __future__ import annotations

import os
import socket
from socketserver import BaseRequestHandler

from server import connections
from server.events import emit, escaped


class Echo(BaseRequestHandler):
    """A socketserver handler that echoes until the client is done.

    The article's `while True` has no end: after the client's FIN, recv(2) returns b"" for ever. This
    loop stops there (design decision 17).
    """

    def handle(self) -> None:
        """Talk until the client's FIN, its reset, or the server's stop."""
        converse(self.request, *self.client_address[:2])


def converse(sock: socket.socket, source: str, source_port: int) -> None:
    """One whole connection, from `accepted` to `closed`."""
    with connections.track(sock, source, source_port) as traffic:
        if greeting := os.environ.get("GREETING"):
            traffic.sent += _send(sock, greeting.encode() + b"\n")
        while data := sock.recv(1024):
            traffic.received += len(data)
            emit("message", source=source, source_port=source_port, bytes=len(data), text=escaped(data))
            traffic.sent += _send(sock, data)


def _send(sock: socket.socket, data: bytes) -> int:
    sock.sendall(data)
    return len(data)
