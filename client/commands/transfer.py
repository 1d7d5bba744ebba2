"""Bytes on connections that are held: `send` and `recv`."""

from __future__ import annotations

import errno

from client import exchange
from client.answers import Received, Sent
from client.attempt import errno_name
from client.commands.held import Held, choose
from client.protocol import Recv, Send
from connlab.machine import events


def send(held: Held, request: Send) -> list[Sent]:
    """Write without waiting."""
    data = request.text.encode() if request.bytes is None else b"x" * request.bytes
    sent = []
    for conn, sock in choose(held, request.conns, talking=True).items():
        taken, number = exchange.send(sock, data)
        sent.append(Sent(conn, taken, errno_name(number)))
    return sent


def recv(held: Held, request: Recv) -> list[Received]:
    """Read once from each connection, as soon as it has something to read."""
    chosen = choose(held, request.conns, talking=True)
    got = {}
    waiting = set(chosen.values())
    for sock in exchange.ready(waiting, request.timeout_ms):
        got[sock] = exchange.drain(sock, request.max)
        waiting.discard(sock)
    received = []
    for conn, sock in chosen.items():
        data, eof, number = got.get(sock, (b"", False, errno.EAGAIN))
        text = events.escape(data, request.max)
        received.append(Received(conn, len(data), text, eof, errno_name(number)))
    return received
