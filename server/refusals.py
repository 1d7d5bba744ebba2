"""Tell every refusal: from the policy's NFLOG reports to `refused` events and totals."""

from __future__ import annotations

import socket

from server import connections, nflog
from server.events import emit


def tell(sock: socket.socket) -> None:
    """Read reports for ever. The kernel numbers them, so one that got lost is counted, not hidden."""
    expected = 0
    while True:
        try:
            arrived = nflog.refusals(sock)
        except nflog.Overrun:
            continue  # the gap shows in the next sequence number
        for source, source_port, sequence in arrived:
            if sequence != expected:
                emit("events_lost", count=(sequence - expected) % 2**32)
            expected = (sequence + 1) % 2**32
            connections.refused(source)
            emit("refused", source=source, source_port=source_port)
