"""The other side of a connection: `listen` and `accept`, on a client host."""

from __future__ import annotations

import socket

from client import close, exchange
from client.answers import Accepted, Listener
from client.commands.held import Held, hold
from client.messages import BadRequest
from client.protocol import Accept, Listen
from client.sockets import NONBLOCKING, Socket


def listen(held: Held, request: Listen) -> Listener:
    """Open a port; the kernel completes connections up to the backlog, until `accept` takes them."""
    sock = Socket(socket.AF_INET, NONBLOCKING)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, request.reuse_address)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, request.reuse_port)
        sock.bind((request.address, request.port))
        sock.listen(request.backlog)
    except OSError:
        sock.close()
        raise
    own, port = sock.getsockname()
    return Listener(hold(held, sock), own, port)


def accept(held: Held, request: Accept) -> Accepted:
    """Take one connection from a listener. Raises BadRequest if it is none, or nobody connects in time."""
    listener = held.get(request.conn)
    if listener is None or not close.listens(listener):
        raise BadRequest(f"conn: {request.conn} is no listener")
    for _ in exchange.ready({listener}, request.timeout_ms):
        descriptor, (source, source_port) = listener._accept()  # type: ignore[attr-defined]
        sock = Socket(socket.AF_INET, socket.SOCK_STREAM, 0, descriptor)
        sock.setblocking(False)
        return Accepted(hold(held, sock), source, source_port)
    raise BadRequest(f"conn: nobody connected within {request.timeout_ms} ms")
