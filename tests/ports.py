"""A TCP port of this machine for a test's own server."""

from __future__ import annotations

import random
import socket

# Below ip_local_port_range: a port from within it may become the local port of anybody's connection before the
# server has bound it, and then the server does not start.
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
