"""The eyes: what the kernel says, as values. Each question is a command and a pure parser of its answer.

Nothing here knows what the answer should be, or how a command reaches a host: `run` is given.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connlab.base.errors import LabError

Run = Callable[[Sequence[str]], str]

BACKEND = ("iptables", "--version")
SOCKETS = ("ss", "-tanH")
CONNTRACK = ("conntrack", "-L", "-p", "tcp")
NSTAT = ("nstat", "-asz", "--json")
LOOK = ("python3", "-S", "-E", "-m", "server.sample")
# Conntrack's states of a connection that connlimit counts (docs/kernel.md C03); the other two are not.
COUNTED = frozenset({"SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK"})
RESOLVER = "127.0.0.11"  # Docker's own, which listens in each host's network namespace
RULES = ("python3", "-S", "-E", "-m", "server", "rules")
CLIENT_SYSCTLS = ("python3", "-S", "-E", "-m", "client.sysctls")


@dataclass(frozen=True)
class Rule:
    """One rule as the kernel has it: `text` without counters, `packets` that it matched.

    `refuses`: its target ends the way of a packet, in a chain that a SYN to the server passes (any table). A
    chain's own policy is a rule too if it drops: `-P INPUT DROP`, with handle 0.
    """

    table: str
    chain: str
    handle: str
    text: str
    packets: int
    target: str
    refuses: bool


@dataclass(frozen=True)
class Ruleset:
    """The rules of a host at one moment. `generation` is the kernel's number of it: each transaction moves it on.

    `policy` is what else server/policy_report.py tells: what became of the policy since it was loaded.
    """

    generation: int | None
    rules: Sequence[Rule]
    policy: Mapping[str, Any]


@dataclass(frozen=True)
class Socket:
    """One TCP socket of ss(8): `state` as ss writes it (ESTAB, TIME-WAIT, ...)."""

    state: str
    local: str
    local_port: int
    peer: str
    peer_port: int
    receive_queue: int
    send_queue: int


@dataclass(frozen=True)
class Flow:
    """One conntrack entry: its TCP state, the side that dialled, and where to."""

    state: str
    source: str
    source_port: int
    target: str
    target_port: int


@dataclass(frozen=True)
class Snapshot:
    """The server host at one moment."""

    ruleset: Ruleset
    backend: str
    sockets: Sequence[Socket]
    flows: Sequence[Flow]
    counters: Mapping[str, int]
    status: Mapping[str, Any]

    @property
    def rules(self) -> Sequence[Rule]:
        """Every rule, in every table."""
        return self.ruleset.rules

    @property
    def refused(self) -> int:
        """Packets that the refusing rules matched since they were loaded."""
        return refusals(self.rules)

    @property
    def logged(self) -> int:
        """Refusals that the policy reported to the server by NFLOG since it was loaded."""
        return sum(rule.packets for rule in self.rules if rule.target == "NFLOG")

    def held(self, port: int) -> Counter[str]:
        """Established connections to `port`, by source address."""
        return Counter(socket.peer for socket in self.established(port))

    def established(self, port: int) -> list[Socket]:
        """This host's sockets of established connections to `port`."""
        return [s for s in self.sockets if s.local_port == port and s.state == "ESTAB"]

    def counted(self, port: int) -> Counter[str]:
        """Connections to `port` that conntrack has in a state that connlimit counts, by source address.

        A rule counts those of them whose SYN it saw (docs/kernel.md C01), whether or not a process has them.
        """
        return Counter(
            flow.source for flow in self.flows if flow.target_port == port and flow.state in COUNTED
        )

    def accepted(self, port: int) -> int:
        """Connections to `port` that the server has taken with accept(2) and not closed.

        Those that wait in the accept queue are connected too; ss shows their number as the listener's Recv-Q.
        """
        ours = [socket for socket in self.sockets if socket.local_port == port]
        queued = sum(socket.receive_queue for socket in ours if socket.state == "LISTEN")
        return sum(socket.state in ("ESTAB", "CLOSE-WAIT") for socket in ours) - queued

    def reported(self, what: str, source: str | None = None) -> int:
        """The server's own count of `accepted`, `refused` or `open`, for one source or all."""
        sources: Mapping[str, Mapping[str, int]] = self.status["sources"]
        return sum(counts[what] for address, counts in sources.items() if source in (None, address))

    def states(self) -> Counter[str]:
        """Sockets by TCP state, without those of Docker's resolver."""
        return states(self.sockets)


def snapshot(
    run: Run, since: Mapping[str, tuple[float, float]] | None = None, *, silent_too: bool = False
) -> Snapshot:
    """Look at the server host once: one command on the host runs all the others, to look at one moment.

    `since` asks for numbers of their own of the hosts that have these addresses: for each, two moments (seconds,
    UTC) between which it began (connlab/cluster/address_times.py). Raises `LabError` if the server process does not
    answer; with `silent_too` its account then says why, under `silent`, and has no numbers.
    """
    began = [{address: moments[edge] for address, moments in (since or {}).items()} for edge in (0, 1)]
    commands = (BACKEND, SOCKETS, CONNTRACK, NSTAT)
    answers = json.loads(run([*LOOK, json.dumps(["account", *began]), *map(json.dumps, commands)]))
    version, sockets_, flows_, counters, said, policy = answers
    status = json.loads(said)
    if "silent" in status and not silent_too:
        raise LabError("the server process does not answer", status["silent"], next_step="make logs S=server")
    return Snapshot(
        ruleset=ruleset(policy),
        backend=version[version.find("(") + 1 : version.rfind(")")],
        sockets=sockets(sockets_),
        flows=conntrack(flows_),
        counters=nstat(counters),
        status=status,
    )


def client_sysctls(run: Run) -> list[dict[str, Any]]:
    """The profile of a client host: `key`, `declared`, `effective` and `state` as in its `sysctl` events."""
    found: list[dict[str, Any]] = json.loads(run(CLIENT_SYSCTLS))
    return found


def rules(run: Run) -> Ruleset:
    """The server host's rules alone; the server process is not asked."""
    return ruleset(json.loads(run(RULES)))


def ruleset(report: Mapping[str, Any]) -> Ruleset:
    """The rules in what server/policy_report.py tells."""
    rest = {name: value for name, value in report.items() if name not in ("generation", "rules")}
    return Ruleset(report["generation"], [Rule(**rule) for rule in report["rules"]], rest)


def refusals(found: Sequence[Rule]) -> int:
    """Packets that the refusing rules among `found` matched."""
    return sum(rule.packets for rule in found if rule.refuses)


def sockets(listing: str) -> list[Socket]:
    """The sockets in the output of `ss -tanH`."""
    found = []
    for line in listing.splitlines():
        state, receive, send, local, peer, *_ = line.split()
        (address, port), (far, far_port) = local.rsplit(":", 1), peer.rsplit(":", 1)
        found.append(
            Socket(
                state,
                address.strip("[]"),
                _port(port),
                far.strip("[]"),
                _port(far_port),
                int(receive),
                int(send),
            )
        )
    return found


def conntrack(listing: str) -> list[Flow]:
    """The flows in the output of `conntrack -L -p tcp`."""
    pattern = r"^tcp +6 \d+ (\w+) src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)"
    return [
        Flow(state, source, int(sport), target, int(dport))
        for state, source, target, sport, dport in re.findall(pattern, listing, re.MULTILINE)
    ]


def nstat(listing: str) -> dict[str, int]:
    """The counters in the output of `nstat --json`, by name (TcpExtListenOverflows, ...)."""
    return {str(name): int(value) for name, value in json.loads(listing)["kernel"].items()}


def counters(run: Run) -> dict[str, int]:
    """Every counter of a host's kernel, by name."""
    return nstat(run(NSTAT))


def states(found: Iterable[Socket]) -> Counter[str]:
    """Sockets by TCP state, without those of Docker's resolver."""
    return Counter(socket.state for socket in found if RESOLVER not in (socket.local, socket.peer))


def connections(run: Run) -> list[Socket]:
    """Every TCP socket of a host."""
    return sockets(run(SOCKETS))


def _port(text: str) -> int:
    return 0 if text == "*" else int(text)
