"""Ports that tests choose themselves: for a server on this machine, and for a lab host to dial from."""

from __future__ import annotations

import random
import socket

# Below the default ip_local_port_range, 32768 to 60999: a port of that range may become the local port of anybody's
# connection at any time, and in a lab host Docker's resolver listens on one of them (docs/kernel.md T25).
LOWEST, HIGHEST = 20_000, 32_000


def free_port() -> int:
    """A port that nobody has now, not even in TIME_WAIT, and no connection will take."""
    while True:
        port = random.randint(LOWEST, HIGHEST)
        try:
            with socket.socket() as plain:  # create_server() sets SO_REUSEADDR, to which TIME_WAIT is free
                plain.bind(("", port))
                return port
        except OSError:
            continue


class Unused:
    """Ports from which one host has not dialled yet, for tests that tell connections apart by their four-tuples.

    connect(2) chooses a port again as soon as it is free on its own side, and the connection that had it may still
    be in TIME_WAIT on the other (docs/kernel.md T24).
    """

    def __init__(self) -> None:
        self._next = LOWEST

    def take(self, count: int = 1) -> int:
        """The first of `count` consecutive ports."""
        first, self._next = self._next, self._next + count
        return first
