"""What is done with connections that are held: `send`, `recv`, `close`, and `quit`, which closes all."""

from __future__ import annotations

import errno

from client import close, dial, events, talk
from client.hands.held import Held, choose

_FAREWELL_MS = 2000


def send(held: Held, fields: dict) -> dict:
    """Write without waiting."""
    data = fields["text"].encode() if fields["bytes"] is None else b"x" * fields["bytes"]
    sent = []
    for conn, sock in choose(held, fields["conns"], talking=True).items():
        taken, number = talk.send(sock, data)
        sent.append({"conn": conn, "bytes": taken, "errno": dial.errno_name(number)})
    return {"sent": sent}


def recv(held: Held, fields: dict) -> dict:
    """Read once from each connection, as soon as it has something to read."""
    chosen = choose(held, fields["conns"], talking=True)
    got = {}
    waiting = set(chosen.values())
    for sock in talk.ready(waiting, fields["timeout_ms"]):
        got[sock] = talk.drain(sock, fields["max"])
        waiting.discard(sock)
    received = []
    for conn, sock in chosen.items():
        data, eof, number = got.get(sock, (b"", False, errno.EAGAIN))
        answer = {"conn": conn, "bytes": len(data), "text": events.escape(data, fields["max"]), "eof": eof}
        received.append({**answer, "errno": dial.errno_name(number)})
    return {"received": received}


def close_(held: Held, fields: dict) -> dict:
    """End connections in one of the ways of `close.HOW`."""
    chosen = choose(held, fields["conns"])
    ends = close.HOW[fields["how"]](chosen.values(), fields["timeout_ms"])
    if fields["how"] != "half":
        for conn in chosen:
            del held[conn]
    events.emit("released", count=len(chosen), how=fields["how"])
    return {"closed": [{"conn": n, "peer": ends[sock][0], "us": ends[sock][1]} for n, sock in chosen.items()]}


def quit_(held: Held, _fields: dict) -> dict:
    """Close everything with FIN; the agent ends after the answer."""
    close.fin(held.values(), _FAREWELL_MS)
    if held:
        events.emit("released", count=len(held), how="fin")
    held.clear()
    return {}
