"""What a worker has accepted and closed, in memory that it shares with the process that started it.

A ring of records: the worker writes, its parent reads. So the worker calls nobody for a connection, the parent has no
work until somebody asks or a tenth of a second has gone by, and what a worker wrote before it was killed is not lost.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from collections.abc import Iterator

from connlab.machine.named_tuple import NamedTuple

RECORDS = 1 << 14  # the records of 8,192 short connections
RECORD = struct.Struct("=IIH4sd")  # descriptor, serial number, source port, source address, moment
HEAD, TAIL, ACCEPTING, WORDS = 0, 1, 2, 4  # of the header, in words of 8 bytes
FULL_PAUSE = 0.001  # seconds that a worker waits for room
CLOSED = bytes(4)  # as the source address of a record: the connection is closed; 0.0.0.0 dials nobody


class Record(NamedTuple):
    """One connection, accepted or, with the address `CLOSED`, closed. `serial` tells those of one descriptor apart."""

    descriptor: int
    serial: int
    source_port: int
    address: bytes
    moment: float


class Journal:
    """The ring. A child of the process that makes it writes, that process reads; each moves its own end only."""

    def __init__(self) -> None:
        memory = memoryview(mmap.mmap(-1, WORDS * 8 + RECORDS * RECORD.size))
        self._header = memory[: WORDS * 8].cast("Q")
        self._ring = memory[WORDS * 8 :]
        self._head = 0  # the writer's
        self._reader = os.getpid()

    def accepting(self, now: bool) -> None:
        """Note that accept(2) is called, and that what it returned is written: who dies between leaves one untold."""
        self._header[ACCEPTING] = now

    def write(self, descriptor: int, serial: int, port: int, address: bytes, moment: float) -> None:
        """Write a record. While the ring is full it waits for its reader; raises EOFError if that has gone."""
        head, header = self._head, self._header
        while head - header[TAIL] >= RECORDS:
            if os.getppid() != self._reader:
                raise EOFError
            time.sleep(FULL_PAUSE)
        RECORD.pack_into(self._ring, head % RECORDS * RECORD.size, descriptor, serial, port, address, moment)
        header[HEAD] = self._head = head + 1  # last: the reader takes what is before it

    def read(self) -> Iterator[Record]:
        """Return what was written since the last time."""
        tail, head = self._header[TAIL], self._header[HEAD]
        for number in range(tail, head):
            yield Record(*RECORD.unpack_from(self._ring, number % RECORDS * RECORD.size))
        self._header[TAIL] = head

    def unsure(self) -> bool:
        """Return whether the writer, which has ended, may have accepted a connection that is not written."""
        return bool(self._header[ACCEPTING])
