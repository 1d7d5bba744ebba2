"""The article's conversation: receive up to 1024 bytes, print them, send them back.

Two handlers: `echo` ends with the client, `article` is the loop as printed, which has no end (HANDLER).
"""

from __future__ import annotations

import os
import time

from server.connection import Connection

ENDLESS = 100_000  # empty reads in a row, some 0.1 s of one CPU, after which the point is made


def echo(connection: Connection) -> None:
    """Echo until the client's FIN, its reset, or the server's stop."""
    while data := connection.receive():
        connection.send_all(data)


def article(connection: Connection) -> None:
    """Run the article's `while True`, which never looks at what recv(2) returned.

    After a client's FIN that is b"", at once and for ever: the handler spins, its thread, process or whole
    server is lost, and the connection keeps its slot in CLOSE_WAIT (design decision 17). A client that
    leaves echoes unread, like the article's own, sends an RST instead, and the loop ends by exception.
    """
    empty, since = 0, 0.0
    while empty < ENDLESS:
        data = connection.receive()
        connection.sock.sendall(data)
        connection.sent += len(data)
        since = since if empty else time.monotonic()
        empty = 0 if data else empty + 1
    connection.emit("endless", empty_reads=empty, seconds=round(time.monotonic() - since, 6))


HANDLERS = {"echo": echo, "article": article}


def greeting() -> bytes:
    """Return the line that a new connection gets first, if any (GREETING)."""
    text = os.environ.get("GREETING")
    return text.encode() + b"\n" if text else b""
