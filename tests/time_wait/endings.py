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
from connlab.kernel.socket_monitor import FourTuple, SocketMonitor, monitor_sockets
from tests.support.laboratory import Lab
from tests.support.ports import Unused
from tests.support.recordings import Keep, recording

LOOK_MS = 20
BUSY = 2 * 1024  # bytes: the server reads 1024 of them, and closes over the rest
ABORTS = ("TcpExtTCPAbortOnClose", "TcpExtTCPAbortOnData")  # unread data, and SO_LINGER 0 (tcp_close())


@dataclass(frozen=True)
class Ended:
    """What one way left: states that each side went through, the last one kept, and who sent RSTs for what."""

    way: str
    states: dict[str, list[str]]
    left: dict[str, str | None]
    aborts: dict[str, dict[str, int]]


Way = Callable[[Lab, Agent, Attempt, SocketMonitor], None]  # the monitor is that of the client's sockets


def client_first(lab: Lab, agent: Agent, made: Attempt, seen: SocketMonitor) -> None:
    """The client's FIN comes first."""
    agent.close([made.conn], "fin")


def server_first(lab: Lab, agent: Agent, made: Attempt, seen: SocketMonitor) -> None:
    """The server has read what it wanted, and closes; then the client does."""
    agent.send("bye", conns=[made.conn])
    seen.until(lambda now: now.get(pair(made)) == "CLOSE-WAIT", "the server's FIN has come", within=10)
    agent.close([made.conn], "fin")


def both_at_once(lab: Lab, agent: Agent, made: Attempt, seen: SocketMonitor) -> None:
    """Each side's FIN is sent before the other's has come: the wire is cut while both close."""
    run_in_netns(agent.host, ["ip", "link", "set", "eth0", "down"])
    close_on_server(lab, made)
    agent.close([made.conn], "half")
    run_in_netns(agent.host, ["ip", "link", "set", "eth0", "up"])
    agent.close([made.conn], "fin")


def client_resets(lab: Lab, agent: Agent, made: Attempt, seen: SocketMonitor) -> None:
    """SO_LINGER 0."""
    agent.recv(conns=[made.conn])
    agent.close([made.conn], "rst")


def client_leaves_data(lab: Lab, agent: Agent, made: Attempt, seen: SocketMonitor) -> None:
    """close(2) with the server's greeting unread, but for its first byte."""
    assert agent.recv(conns=[made.conn], most=1)[0].bytes == 1
    agent.close([made.conn], "drop")


def server_leaves_data(lab: Lab, agent: Agent, made: Attempt, seen: SocketMonitor) -> None:
    """The server's handler returns before it has read everything (socketserver then closes)."""
    agent.send(conns=[made.conn], size=BUSY)
    seen.until(lambda now: pair(made) not in now, "the server has ended it", within=10)
    agent.close([made.conn], "fin")


WAYS: dict[Way, dict[str, str | None]] = {
    client_first: {"client": "TIME-WAIT", "server": None},
    server_first: {"client": None, "server": "TIME-WAIT"},
    both_at_once: {"client": "TIME-WAIT", "server": "TIME-WAIT"},
    client_resets: {"client": None, "server": None},
    client_leaves_data: {"client": None, "server": None},
    server_leaves_data: {"client": None, "server": None},
}


@recording(lab={"SYSCTL": "rfc1337", "CLIENT_SYSCTL": "rfc1337", "SERVER_MODE": "greeting", "CLIENTS": 1})
def endings(lab: Lab, keep: Keep) -> dict[str, Ended]:
    with (
        monitor_sockets(lab.server, LOOK_MS) as server,
        monitor_sockets(lab.clients[0], LOOK_MS) as client,
        Agent(lab.clients[0]) as agent,
    ):
        seen, ports = {"server": server, "client": client}, Unused()
        found = {way.__name__: end(lab, agent, way, seen, ports.take()) for way in WAYS}
    keep("endings", found)
    return found


def end(lab: Lab, agent: Agent, way: Way, seen: dict[str, SocketMonitor], port: int) -> Ended:
    hosts = {"server": lab.server, "client": agent.host}
    before = {side: snapshot.read_counters(host.run) for side, host in hosts.items()}
    (made,) = agent.open(1, source_port=port)
    seen["client"].up_to(made.start_ns + made.us * 1000)
    way(lab, agent, made, seen["client"])
    here = pair(made)
    pairs = {"client": here, "server": FourTuple(here.peer, here.peer_port, here.local, here.local_port)}
    now = agent.facts().monotonic_ns
    for side, its in pairs.items():
        seen[side].up_to(now)
        seen[side].until(
            lambda sockets, its=its: sockets.get(its) in ("TIME-WAIT", None), f"{side} is done", within=10
        )
    after = {side: snapshot.read_counters(host.run) for side, host in hosts.items()}
    states = {
        side: [c.state for c in seen[side].changes if c.four_tuple == its and c.state]
        for side, its in pairs.items()
    }
    left = {side: seen[side].now.get(its) for side, its in pairs.items()}
    aborts = {side: {name: after[side][name] - before[side][name] for name in ABORTS} for side in hosts}
    return Ended(way.__name__, states, left, aborts)


def pair(made: Attempt) -> FourTuple:
    """The connection as the client has it."""
    return FourTuple(made.source or "", made.source_port or 0, made.target, made.target_port)


def close_on_server(lab: Lab, made: Attempt) -> None:
    asked = ["close", made.source or "", str(made.source_port)]
    assert lab.server.run(["python3", "-S", "-E", "-m", "server.control", *asked]).strip() == "1"
