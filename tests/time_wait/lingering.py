"""What stays of a connection after close(2), on both hosts, how long, and what the sysctls change about it.

client-1 ── dials and closes ──> server (greets, reads once, closes; in the end it is kept waiting, and closes nothing)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connlab.agent.session import Agent
from connlab.base.model import Attempt
from connlab.cluster.host import Host
from connlab.kernel import reference_model, snapshot
from connlab.kernel.socket_monitor import SECOND, FourTuple, Lifetime, StateChange, lifetimes, monitor_sockets
from tests.support.laboratory import Lab, missing_keys
from tests.support.ports import PortSequence
from tests.support.recordings import Keep, recording
from tests.time_wait.four_tuples import client_tuple, client_tuples, server_tuple, server_tuples
from tests.time_wait.greeting import greeting_lab
from tests.time_wait.ports import DELAYED

MANY, FEW = 40, 10
LOOK_MS = 250
FIN_TIMEOUT = {"fin-timeout-5": 5, "article": 15, "stock": 60, "fin-timeout-61": 61, "fin-timeout-70": 70}
REUSE = {"tw-reuse-0": 0, "article": 1, "stock": 2}
PROFILES = tuple(dict.fromkeys([*FIN_TIMEOUT, *REUSE]))
SIDES = ("server", "client")
OTHER = {"server": "client", "client": "server"}


@dataclass(frozen=True)
class Lingering:
    """What each side (`server`, `client`) had of the connections that it closed first."""

    began_ns: int
    changes: dict[str, list[StateChange]]
    closed: dict[str, set[FourTuple]]  # the other side closed too: TIME_WAIT
    orphans: dict[str, set[FourTuple]]  # it did not: FIN_WAIT_2
    late: set[FourTuple]  # of the server: the client's FIN came a second later
    idle: dict[str, str | None]  # the state, in the end, of a connection that was never used
    resets: dict[str, int]  # RSTs that each side sent
    small_sockets: dict[str, int]  # sockets that were reduced to what TIME_WAIT, or an orphan, needs
    settings: dict[str, dict[str, str]]

    def lifetimes(self, side: str, state: str, four_tuples: set[FourTuple]) -> list[Lifetime]:
        """Return the lives of these connections in a state of one side."""
        return [life for life in lifetimes(self.changes[side], state) if life.four_tuple in four_tuples]

    def time_wait(self, side: str) -> list[Lifetime]:
        """Return the whole lives in TIME_WAIT of what this side closed first and the other side closed too.

        All of them, but for those that an RST of the other side ended early (T23): one RST each. And the server
        sent one to each client's FIN that came when its orphan was gone already.
        """
        late = self.late if side == "server" else set()
        too_late = self.late - {life.four_tuple for life in lifetimes(self.changes["server"], "TIME-WAIT")}
        resets = self.resets[OTHER[side]] - (len(too_late) if side == "client" else 0)
        four_tuples = (self.closed[side] | late) - too_late
        whole = [
            life
            for life in self.lifetimes(side, "TIME-WAIT", four_tuples)
            if has_length(life, reference_model.TIME_WAIT)
        ]
        assert len({life.four_tuple for life in whole}) + resets == len(four_tuples)
        return [life for life in whole if life.four_tuple in self.closed[side]]

    def fin_wait_2(self, side: str) -> list[Lifetime]:
        """Return the lives in FIN_WAIT_2 of what this side closed and the other side did not."""
        return self.lifetimes(side, "FIN-WAIT-2", self.orphans[side])


def server_with_ten_ports() -> dict[str, object]:
    """Return the knobs of a lab whose server has ten ports, and a shorter reuse delay if the kernel has one."""
    return greeting_lab("ten-ports-reuse-1" if missing_keys(DELAYED) else DELAYED, "stock")


LABS: dict[str, Any] = {name: greeting_lab(name) for name in PROFILES}


@recording(**LABS, server_with_ten_ports=server_with_ten_ports)
def lingering(lab: Lab, keep: Keep) -> Lingering:
    (dialler,), ports = lab.clients, PortSequence()
    with (
        monitor_sockets(lab.server, LOOK_MS) as server,
        monitor_sockets(dialler, LOOK_MS) as client,
        Agent(dialler) as agent,
    ):
        start = agent.facts().monotonic_ns
        hosts = {"server": lab.server, "client": dialler}
        before = {side: snapshot.read_counters(host.run) for side, host in hosts.items()}
        closed = {
            "server": server_tuples(churn(agent, ports, message="bye")),
            "client": client_tuples(churn(agent, ports)),
        }
        unanswered, late = server_closed_attempts(agent, ports), server_closed_attempts(agent, ports)
        # The server waits for its message, and accepts nobody else.
        (idle,) = agent.open(1, gap_ms=0, source_port=ports.take())
        client_orphans = agent.open(FEW, gap_ms=1, source_port=ports.take(FEW))
        agent.close([attempt.conn for attempt in client_orphans], "drop")
        orphans = {"server": server_tuples(unanswered), "client": client_tuples(client_orphans)}

        def a_second_ago(now: Any) -> bool:
            changes = [change for change in server.changes if change.four_tuple in server_tuples(late)]
            since = [change.by_ns for change in changes if change.state == "FIN-WAIT-2"]
            return len(since) == FEW and server.ns - max(since) >= SECOND

        server.until(a_second_ago, "the server has been in FIN_WAIT_2 for a second", within=10)
        agent.close([attempt.conn for attempt in late])
        closed_first = [closed[side] | orphans[side] for side in SIDES]
        closed_first[0] |= server_tuples(late)
        for monitor, four_tuples in zip((server, client), closed_first, strict=True):
            monitor.up_to(idle.start_ns)
            monitor.until(
                lambda now, keys=four_tuples: not (now.keys() & keys), "all closed are gone", within=90
            )
        after = {side: snapshot.read_counters(host.run) for side, host in hosts.items()}
        record = Lingering(
            began_ns=start,
            changes={"server": server.changes, "client": client.changes},
            closed=closed,
            orphans=orphans,
            late=server_tuples(late),
            idle={"server": server.now.get(server_tuple(idle)), "client": client.now.get(client_tuple(idle))},
            resets={side: after[side]["TcpOutRsts"] - before[side]["TcpOutRsts"] for side in SIDES},
            small_sockets={side: count_small(after[side]) - count_small(before[side]) for side in SIDES},
            settings={side: read_settings(host) for side, host in hosts.items()},
        )
    keep("lingering", record)
    return record


def churn(agent: Agent, ports: PortSequence, **options: Any) -> list[Attempt]:
    """Open and close, one after another: the client first, or with a message the server."""
    return agent.churn(MANY, source_port=ports.take(MANY), **options).attempts


def server_closed_attempts(agent: Agent, ports: PortSequence) -> list[Attempt]:
    """Open connections that the server closes, for it has read what it wanted; the client keeps them open.

    All are opened first: on a busy machine a request takes a while, and the first may not be kept for 2 s.
    """
    attempts = agent.open(FEW, gap_ms=0, source_port=ports.take(FEW))
    agent.send("bye", conns=[attempt.conn for attempt in attempts])
    return attempts


def count_small(counters: dict[str, int]) -> int:
    """Count the sockets that were ever reduced to a small one; those of 4 s and less have another counter (T21)."""
    return counters["TcpExtTW"] + counters["TcpExtTWKilled"]


KEYS = ("net.ipv4.tcp_tw_reuse", "net.ipv4.tcp_fin_timeout", "net.ipv4.ip_local_port_range")
REUSE_DELAY = "net.ipv4.tcp_tw_reuse_delay"


def read_settings(host: Host) -> dict[str, str]:
    """Read back what this host's kernel is set to; without the reuse delay where it knows none."""
    lines = (line.partition(" = ") for line in host.run(["sysctl", "-e", *KEYS, REUSE_DELAY]).splitlines())
    return {key: " ".join(value.split()) for key, _, value in lines}


def has_length(life: Lifetime, seconds: float) -> bool:
    """Return whether a life is that of a timer of `seconds`: not certainly shorter, not certainly longer."""
    earliest, latest = reference_model.timer_bounds(seconds)
    return life.upper_bound >= earliest and life.lower_bound <= latest
