"""The article's pool, bound at last, but on a `ThreadingTCPServer`: it bounds nothing (P12).

Each of the POOL_SIZE loops hands its connection to a thread of its own and accepts the next one at once. Kept
beside `pool` so that the difference, one base class, can be run.
"""

from __future__ import annotations

from socketserver import ThreadingMixIn

from server.connections import Connections
from server.modes import pool
from server.settings import Settings

BACKLOG = pool.BACKLOG
SERVED_AT_ONCE = None
KNOBS = pool.KNOBS


class UnboundedPool(ThreadingMixIn, pool.PoolServer):
    """`process_request` comes from ThreadingMixIn: a loop starts a thread instead of serving."""

    daemon_threads = True


def build(settings: Settings, connections: Connections) -> pool.PoolServer:
    """Return the server, bound and listening."""
    return pool.bound(UnboundedPool, settings, connections)
