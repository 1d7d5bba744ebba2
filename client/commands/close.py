"""Ending connections that are held: `close`, and `quit`, which closes all."""

from __future__ import annotations

from client import close
from client.answers import Closed
from client.commands.held import Held, choose
from client.protocol import Close, Quit
from connlab.machine import events

_FAREWELL_MS = 2000


def close_(held: Held, request: Close) -> list[Closed]:
    """End connections in one of the ways of `close.HOW`."""
    chosen = choose(held, request.conns)
    ends = close.HOW[request.how](chosen.values(), request.timeout_ms)
    if request.how != "half":
        for conn in chosen:
            del held[conn]
    events.emit("released", count=len(chosen), how=request.how)
    return [Closed(conn, *ends[sock]) for conn, sock in chosen.items()]


def quit_(held: Held, request: Quit) -> Quit:
    """Close everything with FIN; the agent ends after the answer, which has no field, as the request."""
    close.fin(held.values(), _FAREWELL_MS)
    if held:
        events.emit("released", count=len(held), how="fin")
    held.clear()
    return request
