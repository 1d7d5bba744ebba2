"""`TCPServer`: one client at a time; the next one is accepted when the handler has returned (P01).

The others are connected all the same: six wait in the accept queue, unserved (B01, B08).
"""

from __future__ import annotations

from server.connections import Connections
from server.listener import Listener
from server.settings import Settings

BACKLOG = 5
SERVED_AT_ONCE = 1
KNOBS = ("GREETING", "HANDLER")


def build(settings: Settings, connections: Connections) -> Listener:
    """Return the server, bound and listening."""
    return Listener(settings, connections, BACKLOG)
