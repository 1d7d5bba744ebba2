"""A worker that tells each connection and each message as events, in the order in which they are (EVENTS=each)."""

from __future__ import annotations

import collections
import time

from connlab.machine.events import escape
from server.connection import Connection
from server.worker import Worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from typing import Any


class TellingWorker(Worker):
    """What it tells is its own: `open` of `accepted` is what this process has of that source."""

    def __init__(self, number: int, *base: Any) -> None:
        super().__init__(*base)
        self.number = number
        self._open: collections.Counter[str] = collections.Counter()
        self._told: dict[int, tuple[Connection, float]] = {}
        self._ends: dict[int, dict[str, str]] = {}

    def opened(self, descriptor: int, sock: _socket.socket, source: str, port: int) -> None:
        """Emit `accepted`."""
        told = Connection(sock, source, port)
        self._told[descriptor] = told, time.monotonic()
        self._open[source] += 1
        told.emit("accepted", open=self._open[source], worker=self.number)

    def received(self, descriptor: int, data: bytes) -> None:
        """Emit `message`."""
        told, _ = self._told[descriptor]
        told.received += len(data)
        told.emit("message", bytes=len(data), text=escape(data))

    def sent(self, descriptor: int, count: int) -> None:
        """Count what `closed` will tell."""
        self._told[descriptor][0].sent += count

    def ending(self, descriptor: int, sock: _socket.socket, trouble: OSError | None) -> None:
        """Ask the kernel who ended it, which it no longer knows after our own close."""
        self._ends[descriptor] = self._told[descriptor][0].end_fields(trouble)

    def closed(self, descriptor: int) -> None:
        """Emit `closed`."""
        told, start = self._told.pop(descriptor)
        self._open[told.source] -= 1
        told.emit("closed", bytes_in=told.received, bytes_out=told.sent,
                  seconds=round(time.monotonic() - start, 6), **self._ends.pop(descriptor))  # fmt: skip
