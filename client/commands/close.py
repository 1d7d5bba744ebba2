"""Ending connections that are held: `close`, and `quit`, which closes all."""

from __future__ import annotations

from client import close
from client.commands.held import Held, choose
from client.json_object import JsonObject
from connlab.machine import events

_FAREWELL_MS = 2000


def close_(held: Held, fields: JsonObject) -> JsonObject:
    """End connections in one of the ways of `close.HOW`."""
    chosen = choose(held, fields["conns"])
    ends = close.HOW[fields["how"]](chosen.values(), fields["timeout_ms"])
    if fields["how"] != "half":
        for conn in chosen:
            del held[conn]
    events.emit("released", count=len(chosen), how=fields["how"])
    return {"closed": [{"conn": n, "peer": ends[sock][0], "us": ends[sock][1]} for n, sock in chosen.items()]}


def quit_(held: Held, _fields: JsonObject) -> JsonObject:
    """Close everything with FIN; the agent ends after the answer."""
    close.fin(held.values(), _FAREWELL_MS)
    if held:
        events.emit("released", count=len(held), how="fin")
    held.clear()
    return {}
