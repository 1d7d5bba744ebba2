"""What is tried: a row for each port, family, interface and net of sources that the rules tell apart."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from connlab.trial import addresses
from connlab.trial.facts import Facts
from connlab.trial.ruleset import Ruleset

BEYOND = 10  # dials after the last that got in
MOST_NETS, MOST_INTERFACES = 4, 4
UNNAMED = (8090, 8099, 9009)  # the first that the rules do not name
DEFAULT_INTERFACE = "eth0"


class Row(NamedTuple):
    """One line of the answer: whose dials, by which interface, to which port."""

    port: int
    family: int
    via: str
    net: str  # "any" where the rules tell no nets apart
    source: str
    target: str


class Plan(NamedTuple):
    """The rows, and what all scenarios share."""

    rows: Sequence[Row]
    texts: Sequence[dict[str, str]]  # for the loaders of namespaces/loading.py
    interfaces: Sequence[str]
    targets: Sequence[str]
    ports: Sequence[int]
    unnamed: int
    cap: int
    backlog: int
    patience: float
    sysctls: Mapping[str, str] = {}  # of the server of each scenario: values by path below /proc/sys


class Office(NamedTuple):
    """So many people with so many connections each; on one port, or on every port that the rules name (0)."""

    people: int
    each: int
    port: int = 0


class Wishes(NamedTuple):
    """What the caller asks for beside the files."""

    ports: Sequence[int] = ()
    dials: int = 64
    backlog: int = 511
    patience: float = 5.0
    offices: Sequence[Office] = ()


def plan(facts: Facts, texts: Sequence[dict[str, str]], wishes: Wishes) -> Plan:
    """Lay out the rows: each port that is named or wished for, and one that no rule names, over both families."""
    named = list(
        dict.fromkeys([*facts.ports, *wishes.ports, *(each.port for each in wishes.offices if each.port)])
    )
    unnamed = next(port for port in [*wishes.ports, *UNNAMED] if port not in facts.ports)
    ports = list(dict.fromkeys([*named, unnamed]))
    interfaces = facts.interfaces[:MOST_INTERFACES] or [DEFAULT_INTERFACE]
    rows = [
        row
        for port in ports
        for family in (4, 6)
        for via in interfaces
        for row in _rows(port, family, via, facts)
    ]
    cap = max(wishes.dials, math.ceil(1.25 * facts.largest))
    targets = list(dict.fromkeys([*facts.targets, *addresses.TARGETS.values()]))
    return Plan(
        rows,
        texts,
        facts.interfaces or interfaces,
        targets,
        ports,
        unnamed,
        cap,
        wishes.backlog,
        wishes.patience,
    )


def judged(ruleset: Ruleset, family: int) -> bool:
    """Tell whether any rule or dropping policy is on the way of a packet of this family."""
    mine = {"inet", "netdev", "ip" if family == 4 else "ip6"}
    return any(rule.place[0] in mine for rule in ruleset.rules) or any(
        chain.family in mine and chain.policy == "drop" for chain in ruleset.chains.values()
    )


def request(plan: Plan, row: Row, steps: Sequence[dict[str, Any]], sources: Sequence[str]) -> dict[str, Any]:
    """Return the request of a scenario for a row: the hosts, then its own steps after `listen` and `own`."""
    width = 32 if row.family == 4 else 128
    outgoing = any(step.get("outgoing") for step in steps)
    before = [
        {"do": "listen", "ports": plan.ports, "backlog": plan.backlog, "outgoing": outgoing},
        {"do": "own", "nets": [f"{source}/{width}" for source in sources]},
    ]  # fmt: skip
    return {
        "do": "scenario", "interfaces": plan.interfaces, "via": row.via, "targets": plan.targets,
        "sysctls": plan.sysctls,
        "steps": [*before, *steps],
    }  # fmt: skip


def _rows(port: int, family: int, via: str, facts: Facts) -> list[Row]:
    mine = [net for net in facts.sources if ipaddress.ip_network(net).version == family][:MOST_NETS]
    target = next(
        (each for each in facts.targets if ipaddress.ip_address(each).version == family),
        addresses.TARGETS[family],
    )
    return [
        Row(port, family, via, net, addresses.first_source(family, facts.sources, net), target)
        for net in ["any", *mine]
    ]
