"""The attempts of a request, in columns: dial N is row N - 1. Each costs 45 bytes, and a record of its own 350."""

from __future__ import annotations

import sys
import time
from array import array
from collections.abc import Iterator

from client.attempt import HARNESS_ERROR, OUTCOMES, Attempt, errno_name, outcome_of
from client.sockets import Socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from client.json_object import JsonObject

ESTABLISHED = 1
_WORDS = ["", *dict.fromkeys(OUTCOMES.values()), HARNESS_ERROR]  # an outcome is stored as its place here
_AT_ONCE = 1000  # rows that are records, or a line, at one time
_NO_SOURCE = ("0.0.0.0", 0)


class Attempts:
    """One dial of each row; an `outcome` is 0 until it has ended. Moments are CLOCK_MONOTONIC, a 0 is for none."""

    def __init__(self, target: tuple[str, int], count: int) -> None:
        self.target, self.count = target, count
        self.start_ns, self.us, self.conn, self.closed_ns = (array("q", bytes(8 * count)) for _ in range(4))
        self.source: list[str | None] = [None] * count
        self.source_port = array("H", bytes(2 * count))
        self.errno = array("h", bytes(2 * count))
        self.outcome = bytearray(count)

    def came_from(self, row: int, sock: Socket) -> None:
        """Note the address and the port that the SYN of a socket came from."""
        name = sock.getsockname()
        if name != _NO_SOURCE:
            self.source[row], self.source_port[row] = sys.intern(name[0]), name[1]

    def end(self, row: int, number: int | None, outcome: str = "") -> None:
        """End an attempt now, with the outcome of its errno if none is given."""
        self.us[row] = (time.monotonic_ns() - self.start_ns[row]) // 1000
        self.judge(row, number, outcome)

    def judge(self, row: int, number: int | None, outcome: str = "") -> None:
        """Give an attempt an outcome, that of its errno if none is given; also of one that came after its end."""
        self.outcome[row] = _WORDS.index(outcome or outcome_of(number))
        self.errno[row] = number or 0

    def tally(self) -> dict[str, int]:
        """Return how many attempts ended how."""
        counts = {word: self.outcome.count(at) for at, word in enumerate(_WORDS) if at}
        return {word: count for word, count in counts.items() if count}

    def record(self, row: int) -> Attempt:
        """Return an attempt as a record."""
        return Attempt(*(column[0] for column in self._values(row, row + 1)))

    def records(self) -> Iterator[Attempt]:
        """Yield all attempts as records, in order of dialling."""
        for first in range(0, self.count, _AT_ONCE):
            yield from map(Attempt._make, zip(*self._values(first, first + _AT_ONCE), strict=True))

    def columns(self) -> Iterator[JsonObject]:
        """Yield all attempts, in order of dialling, a thousand at a time: for each field the list of its values.

        A field that has one value in all of them is that value alone; `number` is always a list.
        """
        for first in range(0, self.count, _AT_ONCE):
            number, *others = self._values(first, first + _AT_ONCE)
            names = zip(Attempt._fields[1:], others, strict=True)
            yield {"number": number, **{name: _if_one(values) for name, values in names}}

    def _values(self, first: int, after: int) -> list[list[Any]]:
        """Return the values of some rows for each field of an Attempt, in the order of its fields."""
        rows = slice(first, after)
        numbers = list(range(first + 1, min(after, self.count) + 1))
        errnos = {number: errno_name(number) for number in set(self.errno[rows])}
        sources = self.source[rows]
        return [
            numbers,
            [conn or None for conn in self.conn[rows]],
            [_WORDS[code] for code in self.outcome[rows]],
            [errnos[number] for number in self.errno[rows]],
            sources,
            [source and port for source, port in zip(sources, self.source_port[rows], strict=True)],
            [self.target[0]] * len(numbers),
            [self.target[1]] * len(numbers),
            self.start_ns[rows].tolist(),
            self.us[rows].tolist(),
            [moment or None for moment in self.closed_ns[rows]],
        ]


def _if_one(values: list[Any]) -> Any:
    """Return the value that all are, or the list of those that differ."""
    return values[0] if values.count(values[0]) == len(values) else values
