"""hold: keep DIALS connections open; each PERIOD dial again those that were lost or never came about."""

from __future__ import annotations

from collections import Counter

from client import close, connector, descriptors, exchange, host_lock, report
from client.beat import every
from client.call import TIMEOUT_MS
from client.json_object import JsonObject
from client.sockets import Socket
from connlab.machine import events

_FAREWELL_MS = 300


def run(knobs: JsonObject) -> None:
    """Hold until a signal raises SystemExit, then close with FIN in the time that a stop leaves."""
    descriptors.raise_limit()
    kept: list[Socket] = []
    try:
        for _ in every(knobs["period"]):
            _drop_lost(kept)
            missing = knobs["dials"] - len(kept)
            if missing:
                with host_lock.of_workload():
                    _dial(knobs, missing, kept)
    finally:
        close.fin(kept, _FAREWELL_MS)
        events.emit("released", count=len(kept), how="exit")


def _drop_lost(kept: list[Socket]) -> None:
    for sock in list(kept):
        _, eof, number = exchange.drain(sock)
        if eof or number:
            sock.close()
            kept.remove(sock)


def _dial(knobs: JsonObject, missing: int, kept: list[Socket]) -> None:
    outcomes = []
    server, port = knobs["connlab_server"], knobs["port"]
    for attempt, sock in connector.dial(server, port, count=missing, timeout_ms=TIMEOUT_MS):
        outcomes.append(attempt.outcome)
        report.attempt(attempt)
        if sock:
            kept.append(sock)
    report.tally(Counter(outcomes))
    events.emit("held", count=len(kept))
