"""Report every refusal: from the policy's NFLOG reports to `refused` events and totals, and say which were lost."""

from __future__ import annotations

import collections
import os
import select
import socket
import time

from connlab.machine.events import emit
from server import nflog
from server.connections import Connections

# Seconds between two looks at an empty queue: so exactly is known when a report came. No host has an address sooner
# after another one; a fortieth of a second would cost an idle server four times as much.
HEARTBEAT = 0.1
TELL = 1.0  # seconds between two events about one source, with EVENTS=summary
CAUGHT_UP = 0.5  # seconds for the reader to have read what came before a question


class RefusalReader:
    """How far the reports are read. `empty` is the last moment at which none waited; 0: none is known.

    A report that is lost leaves a gap in the kernel's numbers, which shows with the next report, and is counted
    among the socket's drops at once. So the larger of the two is how many are lost.
    """

    def __init__(self, connections: Connections, each: bool = True) -> None:
        self._connections = connections
        self._each = each
        self._untold: collections.Counter[str] = collections.Counter()  # with EVENTS=summary
        self._told, self._at_once = 0.0, False
        self._question = os.eventfd(0)  # wakes the reader
        self.reports = False
        self.empty = 0.0
        self._expected = self._missed = self._lost = 0

    def read(self, sock: socket.socket) -> None:
        """Read reports for ever; count each refusal, emit it or the sum, and at once how many reports got lost."""
        self.reports = True
        sock.setblocking(False)
        ready = select.poll()
        ready.register(sock, select.POLLIN)
        ready.register(self._question, select.POLLIN)
        while True:
            start = time.time()
            try:
                refusals = nflog.refusals(sock)
            except nflog.Overrun:  # told now: the queue of a flood may not be empty for long
                self._report_lost(nflog.dropped(sock))
                continue
            except BlockingIOError:
                self._report_lost(nflog.dropped(sock))  # none is dropped from a queue that has room
                self._tell_in_time(start)
                self.empty = start
                if (self._question, select.POLLIN) in ready.poll(HEARTBEAT * 1000):
                    os.eventfd_read(self._question)
                continue
            now = time.time()
            for refusal in refusals:
                self._missed += (refusal.sequence - self._expected) % 2**32
                self._expected = (refusal.sequence + 1) % 2**32
                self._report_lost(self._missed)
                self._connections.count_refusal(refusal.source, self.empty, now)
                if self._each:
                    emit("refused", source=refusal.source, source_port=refusal.source_port)
                else:
                    self._untold[refusal.source] += 1
            self._tell_in_time(now)

    def tell(self) -> None:
        """Have the sums emitted of what came before this call, and from now on all at once (EVENTS=summary)."""
        self._at_once = True
        self.account()

    def wake(self) -> None:
        """Have the reader look at its queue at once."""
        os.eventfd_write(self._question, 1)

    def account(self) -> dict[str, object]:
        """Return `reported`, `lost` and `behind`, once what came before this question is read.

        `reported`: whether the policy reports refusals at all; `lost`: reports that the kernel dropped; `behind`:
        whether some that came before this question are not counted yet, though it waited half a second.
        """
        start = time.time()
        self.wake()
        while self.reports and self.empty < start and time.time() < start + CAUGHT_UP:
            time.sleep(0.002)
        behind = self.reports and self.empty < start
        return {"reported": self.reports, "lost": self._lost, "behind": behind}

    def _tell_in_time(self, now: float) -> None:
        """Emit the sums, if the last ones are a second old."""
        late = self._at_once or not self._told <= now < self._told + TELL  # a clock can be set back
        if late and self._untold:
            self._told = now
            for source, count in self._untold.items():
                emit("refusals", source=source, count=count)
            self._untold.clear()

    def _report_lost(self, total: int) -> None:
        """Emit `events_lost` with as many as were not reported before."""
        if total > self._lost:
            emit("events_lost", count=total - self._lost)
            self._lost = total
