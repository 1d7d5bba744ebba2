"""A client that runs out of ports: ten of them, one server address and port, and what brings a port back.

client-1, spare-1 ... spare-7, each with a profile ── dial, close first, dial again ──> server (echo)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from connlab.agent.answers import Churn
from connlab.agent.session import Agent
from connlab.base import probes
from connlab.base.model import Attempt, Outcome
from connlab.cluster import profiles
from connlab.cluster.host import Host
from connlab.cluster.one_off import ephemeral_host, run_in_netns
from connlab.kernel import reference_model, snapshot
from connlab.kernel.socket_monitor import SECOND, counts_over_time, monitor_sockets
from tests.support.laboratory import Lab, image, missing_keys
from tests.support.recordings import Keep, recording

ESTABLISHED, NO_PORT = Outcome.ESTABLISHED, Outcome.NO_PORT
PORTS = 10
DEFAULT, OFF, NO_TIMESTAMPS = "ten-ports", "ten-ports-reuse-0", "ten-ports-reuse-1-no-timestamps"
WAITING = (DEFAULT, OFF, NO_TIMESTAMPS)
DELAYED = "ten-ports-reuse-1-after-200ms"  # tcp_tw_reuse_delay=200, since Linux 6.14; before, it is a second for all
REUSING = ("ten-ports-reuse-1", DELAYED)
SLOW, FAST = 0.05, 0.005  # seconds between two dials
SOURCES = 3
RESETS = 30 * PORTS
# A peer on a client's own loopback that closes when its client has.
LOCAL = 23456


@dataclass(frozen=True)
class Reuse:
    """A port that was used again: by which dial first, and by which one then.

    TIME_WAIT began between the dial and the end of its close; the port was taken between the next dial's start
    and its end. So how long it had waited is known to within these.
    """

    first: Attempt
    second: Attempt

    @property
    def lower_bound(self) -> float:
        """Return what it had waited for certain, in seconds."""
        return (self.second.start_ns - (self.first.closed_ns or 0)) / SECOND

    @property
    def upper_bound(self) -> float:
        """Return what it can have waited at most, in seconds."""
        return (end_ns(self.second) - self.first.start_ns) / SECOND


@dataclass(frozen=True)
class DialSeries:
    """Dials in a row from one host, each closed before the next; how often its kernel reused a port meanwhile."""

    dials: list[Attempt]
    recycled: int  # TcpExtTWRecycled

    @property
    def established(self) -> list[Attempt]:
        """Return the dials that were connected."""
        return [dial for dial in self.dials if dial.outcome == ESTABLISHED]

    def seconds(self, dial: Attempt) -> float:
        """Return when it was dialled, since the first."""
        return (dial.start_ns - self.dials[0].start_ns) / SECOND

    def reuses(self) -> list[Reuse]:
        """Return each time that a port was used again."""
        last: dict[int | None, Attempt] = {}
        reuses = []
        for dial in self.established:
            if first := last.get(dial.source_port):
                reuses.append(Reuse(first, dial))
            last[dial.source_port] = dial
        return reuses


@dataclass(frozen=True)
class Exhaustion:
    rows: dict[str, DialSeries]  # by profile; `loopback`, `reset` and `source N` with the default one
    time_wait_sockets: dict[str, int]  # sockets in TIME_WAIT on each side after `reset`
    in_time_wait: list[tuple[float, int]]  # since the first dial, on the client with the default profile


@recording(lab={"SYSCTL": "stock", "CLIENT_SYSCTL": DEFAULT, "CLIENTS": 1, "CONNLIMIT": 1000})
def exhaustion(lab: Lab, keep: Keep) -> Exhaustion:
    reusing = [kind for kind in REUSING if kind != DELAYED or not missing_keys(kind)]
    kinds = [OFF, NO_TIMESTAMPS, *reusing, "loopback", "reset", "sources"]
    client_image, project = image("client"), lab.settings.project
    with ExitStack() as stack:
        hosts = {DEFAULT: lab.clients[0]}
        for number, kind in enumerate(kinds, 1):
            sysctls = profiles.sysctls(kind if kind.startswith(DEFAULT) else DEFAULT)
            hosts[kind] = stack.enter_context(
                ephemeral_host(project, client_image, number, sysctls, seconds=150)
            )
        agents = {kind: stack.enter_context(Agent(host)) for kind, host in hosts.items()}
        monitor = stack.enter_context(monitor_sockets(hosts[DEFAULT], 200))
        before = {kind: recycled(host) for kind, host in hosts.items()}

        waiting = {kind: agents[kind] for kind in WAITING}
        pending = dial_slowly(waiting, seconds=10)
        dials = {kind: churn(agents[kind], 600) for kind in reusing}
        dials["reset"] = churn(agents["reset"], RESETS, how="rst")
        for number, source in enumerate(addresses(hosts["sources"], SOURCES), 1):
            dials[f"source {number}"] = churn(agents["sources"], PORTS + 1, source=source)
        sink = stack.enter_context(hosts["loopback"].stream(probes.argv("sink", LOCAL)))
        sink.read_line(10)
        dials["loopback"] = churn(agents["loopback"], 500, host="127.0.0.1", port=LOCAL)
        time_wait_sockets = {
            "client": time_waits(hosts["reset"])[lab.server.address],
            "server": time_waits(lab.server)[hosts["reset"].address],
        }
        dials |= {kind: outcome().attempts for kind, outcome in pending.items()}
        while not all(has_had_a_second_minute(dials[kind]) for kind in WAITING):
            for kind, outcome in dial_slowly(waiting, seconds=1).items():
                dials[kind] += outcome().attempts

        monitor.up_to(dials[DEFAULT][-1].start_ns)
        moved = {kind: recycled(host) - before[kind] for kind, host in hosts.items()}
        record = Exhaustion(
            {kind: DialSeries(row, moved.get(kind, moved["sources"])) for kind, row in dials.items()},
            time_wait_sockets,
            counts_over_time(monitor.changes, "TIME-WAIT", dials[DEFAULT][0].start_ns),
        )
    keep("exhaustion", record)
    return record


def dial_slowly(agents: Mapping[str, Agent], seconds: int) -> dict[str, Callable[[], Churn]]:
    """Have each of these dial for so long, at the same time; what is returned waits for the outcomes."""
    count, gap_ms = round(seconds / SLOW), round(SLOW * 1000)
    return {kind: agent.start_churn(count, gap_ms=gap_ms) for kind, agent in agents.items()}


def has_had_a_second_minute(dials: list[Attempt]) -> bool:
    """Return whether every port was used twice; or it is so late that none will be."""
    row, (_, latest) = DialSeries(dials, 0), reference_model.timer_bounds(reference_model.TIME_WAIT)
    return len(row.established) >= 2 * PORTS or row.seconds(row.dials[-1]) > latest + 2


def end_ns(dial: Attempt) -> int:
    """Return when a dial had its outcome (CLOCK_MONOTONIC)."""
    return dial.start_ns + dial.us * 1000


def churn(agent: Agent, count: int, **options: Any) -> list[Attempt]:
    """Open and close, one after another, fast."""
    return agent.churn(count, gap_ms=round(FAST * 1000), **options).attempts


def recycled(host: Host) -> int:
    """Return how often a host's kernel has reused a port in TIME_WAIT."""
    return snapshot.read_counters(host.run)["TcpExtTWRecycled"]


def time_waits(host: Host) -> Counter[str]:
    """Count the TIME_WAIT sockets of a host, by the address of the other side."""
    return Counter(s.peer for s in snapshot.read_sockets(host.run) if s.state == "TIME-WAIT")


def addresses(host: Host, count: int) -> list[str]:
    """Give a host further addresses of its subnet, from where Docker gives out none yet."""
    network = host.address.rpartition(".")[0]
    addresses = [f"{network}.{250 - number}" for number in range(count)]
    run_in_netns(
        host, ["sh", "-c", " && ".join(f"ip address add {address}/32 dev eth0" for address in addresses)]
    )
    return addresses
