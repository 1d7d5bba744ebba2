"""Ports that tests choose themselves: for a server on this machine, and for a lab host to dial from."""

from __future__ import annotations

import atexit
import contextlib
import random
import socket
from collections import deque

# Below the default ip_local_port_range, 32768 to 60999: a port of that range may become the local port of anybody's
# connection at any time, and in a lab host Docker's resolver listens on one of them (docs/kernel.md T25).
LOWEST, HIGHEST = 20_000, 32_000


# Those that this process has just chosen: a test's server listens only a moment later, and until then another test
# process of this machine must not choose it too. Each is an abstract name (unix(7)), which is gone when we are.
_claims: deque[socket.socket] = deque()
KEPT = 16  # of them; no test has so many servers


@atexit.register
def _close_claims() -> None:
    """Close what else Python would warn of, socket by socket, below the last lines of a run."""
    for claim in _claims:
        claim.close()


def free_port() -> int:
    """Return a port that nobody has, not even in TIME_WAIT, no connection will take, and no other test chooses."""
    while True:
        port, claim = random.randint(LOWEST, HIGHEST), socket.socket(socket.AF_UNIX)
        with contextlib.suppress(OSError):
            claim.bind(f"\0connlab-test-port-{port}")
            with socket.socket() as plain:  # create_server() sets SO_REUSEADDR, to which TIME_WAIT is free
                plain.bind(("", port))
            _claims.append(claim)
            if len(_claims) > KEPT:
                _claims.popleft().close()
            return port
        claim.close()


class PortSequence:
    """Ports from which one host has not dialled yet, for tests that tell connections apart by their four-tuples.

    connect(2) chooses a port again as soon as it is free on its own side, and the connection that had it may still
    be in TIME_WAIT on the other (docs/kernel.md T24).
    """

    def __init__(self) -> None:
        self._next = LOWEST

    def take(self, count: int = 1) -> int:
        """Return the first of `count` consecutive ports."""
        first, self._next = self._next, self._next + count
        return first
