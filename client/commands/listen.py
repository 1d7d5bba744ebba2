"""The other side of a connection: `listen` and `accept`, on a client host."""

from __future__ import annotations

import socket

from client import close, exchange
from client.commands.held import Held, hold
from client.json_object import JsonObject
from client.request import BadRequest


def listen(held: Held, fields: JsonObject) -> JsonObject:
    """Open a port; the kernel completes connections up to the backlog, until `accept` takes them."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, fields["reuse_address"])
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, fields["reuse_port"])
        sock.bind((fields["address"], fields["port"]))
        sock.listen(fields["backlog"])
    except OSError:
        sock.close()
        raise
    own, port = sock.getsockname()
    return {"conn": hold(held, sock), "address": own, "port": port}


def accept(held: Held, fields: JsonObject) -> JsonObject:
    """Take one connection from a listener."""
    listener = held.get(fields["conn"])
    if listener is None or not close.listens(listener):
        raise BadRequest(f"conn: {fields['conn']} is no listener")
    for _ in exchange.ready({listener}, fields["timeout_ms"]):
        sock, (source, source_port) = listener.accept()
        sock.setblocking(False)
        return {"conn": hold(held, sock), "source": source, "source_port": source_port}
    raise BadRequest(f"conn: nobody connected within {fields['timeout_ms']} ms")
