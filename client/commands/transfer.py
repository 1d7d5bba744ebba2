"""Bytes on connections that are held: `send` and `recv`."""

from __future__ import annotations

import errno

from client import connector, exchange
from client.commands.held import Held, choose
from client.json_object import JsonObject
from connlab.machine import events


def send(held: Held, fields: JsonObject) -> JsonObject:
    """Write without waiting."""
    data = fields["text"].encode() if fields["bytes"] is None else b"x" * fields["bytes"]
    sent = []
    for conn, sock in choose(held, fields["conns"], talking=True).items():
        taken, number = exchange.send(sock, data)
        sent.append({"conn": conn, "bytes": taken, "errno": connector.errno_name(number)})
    return {"sent": sent}


def recv(held: Held, fields: JsonObject) -> JsonObject:
    """Read once from each connection, as soon as it has something to read."""
    chosen = choose(held, fields["conns"], talking=True)
    got = {}
    waiting = set(chosen.values())
    for sock in exchange.ready(waiting, fields["timeout_ms"]):
        got[sock] = exchange.drain(sock, fields["max"])
        waiting.discard(sock)
    received = []
    for conn, sock in chosen.items():
        data, eof, number = got.get(sock, (b"", False, errno.EAGAIN))
        answer = {"conn": conn, "bytes": len(data), "text": events.escape(data, fields["max"]), "eof": eof}
        received.append({**answer, "errno": connector.errno_name(number)})
    return {"received": received}
