"""`ThreadingTCPServer`: a thread for each connection, as many as there are connections (P08)."""

from __future__ import annotations

from socketserver import ThreadingMixIn

from server.connections import Connections
from server.listener import Listener
from server.settings import Settings

# The article's 5 holds 6 connections that wait for accept(2) (B01). Twenty hosts that dial at one
# moment are more; the kernel then drops SYNs, and each dropped SYN keeps its slot (C10).
BACKLOG = 1024
SERVED_AT_ONCE = None
KNOBS = ("GREETING", "HANDLER")


class ThreadingServer(ThreadingMixIn, Listener):
    """Threads are daemons: stopping closes their connections, it does not wait for idle clients (P08)."""

    daemon_threads = True


def build(settings: Settings, connections: Connections) -> ThreadingServer:
    """Return the server, bound and listening."""
    return ThreadingServer(settings, connections, BACKLOG)
