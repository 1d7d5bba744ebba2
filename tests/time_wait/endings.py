"""Six ways to end a connection, recorded: what each leaves on either side.

client-1 ──> server (greets, reads once, closes)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from connlab.agent.session import Agent
from connlab.base.model import Attempt
from connlab.cluster.one_off import run_in_netns
from connlab.kernel import snapshot
from connlab.kernel.socket_monitor import SocketMonitor, monitor_sockets
from tests.support.laboratory import Lab, close_on_server
from tests.support.ports import PortSequence
from tests.support.recordings import Keep, recording
from tests.time_wait.four_tuples import client_tuple, server_tuple
from tests.time_wait.greeting import greeting_lab

LOOK_MS = 100
BUSY = 2 * 1024  # bytes: the server reads 1024 of them, and closes over the rest
ABORTS = ("TcpExtTCPAbortOnClose", "TcpExtTCPAbortOnData")  # unread data, and SO_LINGER 0 (tcp_close())


@dataclass(frozen=True)
class Ending:
    """What one way left: states that each side went through, the last of them, and who sent RSTs for what."""

    way: str
    states: dict[str, list[str]]
    last_states: dict[str, str | None]
    aborts: dict[str, dict[str, int]]


Way = Callable[[Lab, Agent, Attempt, SocketMonitor], None]  # the monitor is that of the client's sockets


def client_first(lab: Lab, agent: Agent, attempt: Attempt, monitor: SocketMonitor) -> None:
    """Have the client's FIN come first."""
    agent.close([attempt.conn], "fin")


def server_first(lab: Lab, agent: Agent, attempt: Attempt, monitor: SocketMonitor) -> None:
    """Have the server read what it wanted, and close; then the client."""
    agent.send("bye", conns=[attempt.conn])
    monitor.until(
        lambda now: now.get(client_tuple(attempt)) == "CLOSE-WAIT", "the server's FIN has come", within=10
    )
    agent.close([attempt.conn], "fin")


def both_at_once(lab: Lab, agent: Agent, attempt: Attempt, monitor: SocketMonitor) -> None:
    """Have each side send its FIN before the other's has come: the wire is cut while both close."""
    run_in_netns(agent.host, ["ip", "link", "set", "eth0", "down"])
    assert close_on_server(lab.server, attempt.source, attempt.source_port) == 1
    agent.close([attempt.conn], "half")
    run_in_netns(agent.host, ["ip", "link", "set", "eth0", "up"])
    agent.close([attempt.conn], "fin")


def client_resets(lab: Lab, agent: Agent, attempt: Attempt, monitor: SocketMonitor) -> None:
    """Have the client reset the connection (SO_LINGER 0)."""
    agent.recv(conns=[attempt.conn])
    agent.close([attempt.conn], "rst")


def client_leaves_data(lab: Lab, agent: Agent, attempt: Attempt, monitor: SocketMonitor) -> None:
    """Have the client close(2) with the server's greeting unread, but for its first byte."""
    assert agent.recv(conns=[attempt.conn], most=1)[0].bytes == 1
    agent.close([attempt.conn], "drop")


def server_leaves_data(lab: Lab, agent: Agent, attempt: Attempt, monitor: SocketMonitor) -> None:
    """Have the server's handler return before it has read everything (socketserver then closes)."""
    agent.send(conns=[attempt.conn], size=BUSY)
    monitor.until(lambda now: client_tuple(attempt) not in now, "the server has ended it", within=10)
    agent.close([attempt.conn], "fin")


WAYS: dict[Way, dict[str, str | None]] = {
    client_first: {"client": "TIME-WAIT", "server": None},
    server_first: {"client": None, "server": "TIME-WAIT"},
    both_at_once: {"client": "TIME-WAIT", "server": "TIME-WAIT"},
    client_resets: {"client": None, "server": None},
    client_leaves_data: {"client": None, "server": None},
    server_leaves_data: {"client": None, "server": None},
}


@recording(lab=greeting_lab("rfc1337"))
def endings(lab: Lab, keep: Keep) -> dict[str, Ending]:
    with (
        monitor_sockets(lab.server, LOOK_MS) as server,
        monitor_sockets(lab.clients[0], LOOK_MS) as client,
        Agent(lab.clients[0]) as agent,
    ):
        monitors, ports = {"server": server, "client": client}, PortSequence()
        ends = {way.__name__: record_ending(lab, agent, way, monitors, ports.take()) for way in WAYS}
    keep("endings", ends)
    return ends


def record_ending(lab: Lab, agent: Agent, way: Way, monitors: dict[str, SocketMonitor], port: int) -> Ending:
    """Dial from this port, end the connection in this way, and return what each side has of it then."""
    hosts = {"server": lab.server, "client": agent.host}
    before = {side: snapshot.read_counters(host.run) for side, host in hosts.items()}
    (attempt,) = agent.open(1, source_port=port)
    monitors["client"].up_to(attempt.start_ns + attempt.us * 1000)
    way(lab, agent, attempt, monitors["client"])
    four_tuples = {"client": client_tuple(attempt), "server": server_tuple(attempt)}
    now = agent.facts().monotonic_ns
    for side, four_tuple in four_tuples.items():
        monitors[side].up_to(now)
        monitors[side].until(
            lambda sockets, key=four_tuple: sockets.get(key) in ("TIME-WAIT", None),
            f"{side} is done",
            within=10,
        )
    after = {side: snapshot.read_counters(host.run) for side, host in hosts.items()}
    states = {
        side: [c.state for c in monitors[side].changes if c.four_tuple == four_tuple and c.state]
        for side, four_tuple in four_tuples.items()
    }
    last_states = {side: monitors[side].now.get(key) for side, key in four_tuples.items()}
    aborts = {side: {name: after[side][name] - before[side][name] for name in ABORTS} for side in hosts}
    return Ending(way.__name__, states, last_states, aborts)
