"""Tell every refusal: from the policy's NFLOG reports to `refused` events and totals, and say which were lost."""

from __future__ import annotations

import os
import select
import socket
import time

from server import connections, nflog
from server.events import emit

# Seconds between two looks at an empty queue: so exactly is known when a report came.
HEARTBEAT = 0.025
CAUGHT_UP = 0.5  # seconds for the reader to have read what came before a question


class Reader:
    """How far the reports are read. `empty` is the last moment at which none waited; 0: none is known.

    A report that is lost leaves a gap in the kernel's numbers, which shows with the next report, and is counted
    among the socket's drops at once. So the larger of the two is how many are lost.
    """

    reports = False
    empty = 0.0
    expected = missed = lost = 0


_reader = Reader()
_asked = os.eventfd(0)  # wakes the reader


def tell(sock: socket.socket) -> None:
    """Read reports for ever; tell refusals, and at once how many got lost."""
    _reader.reports = True
    sock.setblocking(False)
    waiting = select.poll()
    waiting.register(sock, select.POLLIN)
    waiting.register(_asked, select.POLLIN)
    while True:
        asked = time.time()
        try:
            arrived = nflog.refusals(sock)
        except nflog.Overrun:
            continue
        except BlockingIOError:
            _tell_lost(nflog.dropped(sock))  # none is dropped from a queue that has room
            _reader.empty = asked
            if (_asked, select.POLLIN) in waiting.poll(HEARTBEAT * 1000):
                os.eventfd_read(_asked)
            continue
        now = time.time()
        for refusal in arrived:
            _reader.missed += (refusal.sequence - _reader.expected) % 2**32
            _reader.expected = (refusal.sequence + 1) % 2**32
            _tell_lost(_reader.missed)
            connections.refused(refusal.source, _reader.empty, now)
            emit("refused", source=refusal.source, source_port=refusal.source_port)


def account() -> dict[str, object]:
    """`reported`: whether the policy reports refusals at all; `lost`: reports that the kernel dropped; and
    `behind`: whether some that came before this question are not told yet, though it waited half a second.
    """
    asked = time.time()
    os.eventfd_write(_asked, 1)
    while _reader.reports and _reader.empty < asked and time.time() < asked + CAUGHT_UP:
        time.sleep(0.002)
    behind = _reader.reports and _reader.empty < asked
    return {"reported": _reader.reports, "lost": _reader.lost, "behind": behind}


def _tell_lost(known: int) -> None:
    if known > _reader.lost:
        emit("events_lost", count=known - _reader.lost)
        _reader.lost = known
