"""Source addresses in a row, for dials in turn: `198.18.64.0/24`, or `198.18.64.0-198.18.64.99`."""

from __future__ import annotations

import socket

from client.resolver import is_address
from connlab.machine.named_tuple import NamedTuple

_LARGEST = 65_536  # addresses: a /16


class SourceRange(NamedTuple):
    """`size` addresses from `first` on, as a number; dial 1 has the first, and after the last comes the first again."""

    first: int
    size: int

    def of(self, number: int) -> str:
        """Return the address of dial `number`, counted from 1."""
        return socket.inet_ntoa((self.first + (number - 1) % self.size).to_bytes(4, "big"))


def read(text: object) -> SourceRange:
    """Read a prefix, a first and a last address, or one address. Raises ValueError: what is expected."""
    if type(text) is str:
        first, last = _ends(text)
        if 0 <= first <= last < first + _LARGEST:
            return SourceRange(first, last - first + 1)
    raise ValueError("source addresses as 198.18.64.0/24 (/16 to /32) or 198.18.64.0-198.18.64.99")


def _ends(text: str) -> tuple[int, int]:
    """Return the numbers of the first and the last address; -1 in place of what is none."""
    if "/" not in text:
        first, dash, last = text.partition("-")
        return _number(first), _number(last if dash else first)
    first, _, length = text.partition("/")
    if length not in map(str, range(16, 33)):
        return -1, -1
    size, number = 2 ** (32 - int(length)), _number(first)
    return (number, number + size - 1) if number % size == 0 else (-1, -1)


def _number(text: str) -> int:
    """Return the number that an address of four numbers stands for, -1 for what is none."""
    return int.from_bytes(socket.inet_aton(text), "big") if is_address(text) else -1
