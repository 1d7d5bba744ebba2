"""What the tools of a host's kernel print, as values: rules, sockets, conntrack entries, counters. Parsers alone."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Conntrack's states of a connection that connlimit counts (docs/kernel.md C03); the other two are not.
COUNTED = frozenset({"SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK"})
RESOLVER = "127.0.0.11"  # Docker's own, which listens in each host's network namespace


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


def parse_ruleset(report: Mapping[str, Any]) -> Ruleset:
    """Parse what server/policy_report.py tells."""
    rest = {name: value for name, value in report.items() if name not in ("generation", "rules")}
    return Ruleset(report["generation"], [Rule(**rule) for rule in report["rules"]], rest)


def refused_packets(rules: Sequence[Rule]) -> int:
    """Sum up the packets that the refusing rules among `rules` matched."""
    return sum(rule.packets for rule in rules if rule.refuses)


def parse_sockets(listing: str) -> list[Socket]:
    """Parse the output of `ss -tanH`."""
    sockets = []
    for line in listing.splitlines():
        state, receive, send, local, peer, *_ = line.split()
        (address, port), (peer_address, far_port) = local.rsplit(":", 1), peer.rsplit(":", 1)
        sockets.append(
            Socket(
                state,
                address.strip("[]"),
                _port(port),
                peer_address.strip("[]"),
                _port(far_port),
                int(receive),
                int(send),
            )
        )
    return sockets


def parse_conntrack(listing: str) -> list[Flow]:
    """Parse the output of `conntrack -L -p tcp`."""
    pattern = r"^tcp +6 \d+ (\w+) src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)"
    return [
        Flow(state, source, int(sport), target, int(dport))
        for state, source, target, sport, dport in re.findall(pattern, listing, re.MULTILINE)
    ]


def parse_nstat(listing: str) -> dict[str, int]:
    """Parse the output of `nstat --json`: counters by name (TcpExtListenOverflows, ...)."""
    return {str(name): int(value) for name, value in json.loads(listing)["kernel"].items()}


def count_states(sockets: Iterable[Socket]) -> Counter[str]:
    """Count sockets by TCP state, without those of Docker's resolver."""
    return Counter(socket.state for socket in sockets if RESOLVER not in (socket.local, socket.peer))


def _port(text: str) -> int:
    return 0 if text == "*" else int(text)
