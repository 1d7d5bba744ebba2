"""A stalled server's accept queue, in a state that is known before a test goes on (docs/kernel.md B01, B03, B10)."""

from __future__ import annotations

import json

from connlab.actions.restart import STATUS
from connlab.agent.session import Agent
from connlab.base.model import Attempt
from connlab.base.wait import until
from connlab.cluster.host import Host
from connlab.kernel.snapshot import read_sockets
from connlab.kernel.tables import Socket
from tests.support.laboratory import Lab


def stall(lab: Lab, agent: Agent, waiting: int) -> list[Attempt]:
    """Dial a server that serves one client at a time: it serves the first, `waiting` more are in its accept queue.

    Each is there before the next is dialled. SYNs that come together, or before the first is accepted, meet another
    queue: with as many handshakes open as the backlog, the kernel answers with SYN cookies, and a client is connected
    of which the server knows nothing (B10).
    """
    before = accepted(lab)
    attempts = agent.open(1)
    until(lambda: accepted(lab) == before + 1, "the server serves the first client", within=20)
    attempts += fill(agent, waiting, lab.server, lab.settings.port)
    return attempts


def fill(agent: Agent, count: int, host: Host, port: int) -> list[Attempt]:
    """Dial `count` times, one after another, a host that accepts nobody; returns once all wait in its accept queue."""
    attempts = agent.open(count, gap_ms=1, host=host.address, port=port)
    until(lambda: listener(host, port).receive_queue == count, f"{count} wait for accept(2)", within=20)
    return attempts


def accepted(lab: Lab) -> int:
    """Return how many connections the server has accepted since it started: its own count, for a log can be late."""
    account = json.loads(lab.server.run(STATUS))
    return sum(counts["accepted"] for counts in account["sources"].values())


def listener(host: Host, port: int) -> Socket:
    """Return the listening socket of a port: Recv-Q is how many wait, Send-Q the backlog in force (ss(8))."""

    def listening_socket() -> Socket | None:
        return next((s for s in read_sockets(host.run) if (s.state, s.local_port) == ("LISTEN", port)), None)

    return until(listening_socket, f"ss shows the listener on port {port}", within=10)
