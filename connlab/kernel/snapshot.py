"""Snapshots of a host: the commands that are run on it, and what they print as values.

Nothing here knows what the answer should be, or how a command reaches a host: `run` is given.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connlab.base.errors import LabError
from connlab.kernel import tables
from connlab.kernel.tables import COUNTED, Flow, Rule, Ruleset, Socket

RunCommand = Callable[[Sequence[str]], str]

BACKEND = ("iptables", "--version")
SOCKETS = ("ss", "-tanH")
CONNTRACK = ("conntrack", "-L", "-p", "tcp")
NSTAT = ("nstat", "-asz", "--json")
SAMPLE = ("python3", "-S", "-E", "-m", "server.sample")
RULES = ("python3", "-S", "-E", "-m", "server", "rules")
CLIENT_SYSCTLS = ("python3", "-S", "-E", "-m", "client.sysctls")


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
        return tables.refused_packets(self.rules)

    @property
    def logged(self) -> int:
        """Refusals that the policy reported to the server by NFLOG since it was loaded."""
        return sum(rule.packets for rule in self.rules if rule.target == "NFLOG")

    def held(self, port: int) -> Counter[str]:
        """Count the established connections to `port`, by source address."""
        return Counter(socket.peer for socket in self.established(port))

    def established(self, port: int) -> list[Socket]:
        """List this host's sockets of established connections to `port`."""
        return [s for s in self.sockets if s.local_port == port and s.state == "ESTAB"]

    def counted(self, port: int) -> Counter[str]:
        """Count the connections to `port` that conntrack has in a state that connlimit counts, by source address.

        A rule counts those of them whose SYN it saw (docs/kernel.md C01), whether or not a process has them.
        """
        return Counter(
            flow.source for flow in self.flows if flow.target_port == port and flow.state in COUNTED
        )

    def accepted(self, port: int) -> int:
        """Count the connections to `port` that the server has taken with accept(2) and not closed.

        Those that wait in the accept queue are connected too; ss shows their number as the listener's Recv-Q.
        """
        on_port = [socket for socket in self.sockets if socket.local_port == port]
        queued = sum(socket.receive_queue for socket in on_port if socket.state == "LISTEN")
        return sum(socket.state in ("ESTAB", "CLOSE-WAIT") for socket in on_port) - queued

    def reported(self, what: str, source: str | None = None) -> int:
        """Return the server's own count of `accepted`, `refused` or `open`, for one source or all."""
        sources: Mapping[str, Mapping[str, int]] = self.status["sources"]
        return sum(counts[what] for address, counts in sources.items() if source in (None, address))

    def states(self) -> Counter[str]:
        """Count the sockets by TCP state, without those of Docker's resolver."""
        return tables.count_states(self.sockets)


def take_snapshot(
    run: RunCommand, since: Mapping[str, tuple[float, float]] | None = None, *, silent_too: bool = False
) -> Snapshot:
    """Take a snapshot of the server host: one command on the host runs all the others, close to one moment.

    `since` asks for numbers of their own of the hosts that have these addresses: for each, two moments (seconds,
    UTC) between which it began (connlab/cluster/address_times.py). Raises `LabError` if the server process does not
    answer; with `silent_too` its account then says why, under `silent`, and has no numbers.
    """
    bounds = [{address: moments[edge] for address, moments in (since or {}).items()} for edge in (0, 1)]
    commands = (BACKEND, SOCKETS, CONNTRACK, NSTAT)
    answers = json.loads(run([*SAMPLE, json.dumps(["account", *bounds]), *map(json.dumps, commands)]))
    version, sockets, flows, counters, account, policy = answers
    status = json.loads(account)
    if "silent" in status and not silent_too:
        raise LabError("the server process does not answer", status["silent"], next_step="make logs S=server")
    return Snapshot(
        ruleset=tables.parse_ruleset(policy),
        backend=version[version.find("(") + 1 : version.rfind(")")],
        sockets=tables.parse_sockets(sockets),
        flows=tables.parse_conntrack(flows),
        counters=tables.parse_nstat(counters),
        status=status,
    )


def read_client(run: RunCommand) -> tuple[list[dict[str, Any]], list[Socket]]:
    """Read the profile of a client host and every TCP socket of it, with one command on the host.

    The keys have `key`, `declared`, `effective` and `state`, as in its `sysctl` events.
    """
    keys, _, sockets = run([*CLIENT_SYSCTLS, *SOCKETS]).partition("\n")
    return json.loads(keys), tables.parse_sockets(sockets)


def read_ruleset(run: RunCommand) -> Ruleset:
    """Read the rules of the server host; the server process is not asked."""
    return tables.parse_ruleset(json.loads(run(RULES)))


def read_counters(run: RunCommand) -> dict[str, int]:
    """Read every counter of a host's kernel (nstat(8)), by name."""
    return tables.parse_nstat(run(NSTAT))


def read_sockets(run: RunCommand) -> list[Socket]:
    """Read every TCP socket of a host (ss(8))."""
    return tables.parse_sockets(run(SOCKETS))
