"""What is tried: a row for each port, family, interface and net of sources that the rules tell apart."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from connlab.trial.hosts import addresses
from connlab.trial.rules.facts import UNNAMED, Facts
from connlab.trial.rules.named_nets import REFUSED, Named
from connlab.trial.rules.ruleset import Ruleset

BEYOND = 10  # dials after the last that got in
MOST_NETS, MOST_TARGETS, MOST_INTERFACES, MOST_LINKS = 4, 2, 4, 16
DEFAULT_INTERFACE = "eth0"


class Clients(NamedTuple):
    """Who dials which port: by an interface, from a net; the same over both families."""

    port: int
    via: str
    net: str


class Row(NamedTuple):
    """One line of the answer: whose dials, by which interface, to which port of which address."""

    port: int
    family: int
    via: str
    net: str  # "any" where the rules tell no nets apart
    source: str
    target: str
    to: str = "any"  # the address of the server, where the rules name several

    @property
    def clients(self) -> Clients:
        """Return whose dials these are, whatever the family."""
        return Clients(self.port, self.via, self.net)


class Plan(NamedTuple):
    """The rows, and what all scenarios share."""

    rows: Sequence[Row]
    texts: Sequence[dict[str, str]]  # for the loaders of namespaces/loading.py
    interfaces: Sequence[str]
    targets: Sequence[str]
    nets: Sequence[str]  # of sources, as the rules name them
    ports: Sequence[int]
    elsewhere: Sequence[int]  # ports to which the rules send connections on
    named: Sequence[int]  # by the rules, or by the caller
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
    wished = [*wishes.ports, *(each.port for each in wishes.offices if each.port)]
    named = list(dict.fromkeys([*facts.ports, *wished]))
    free = [port for port in UNNAMED if port not in named]
    # One port alone could not be seen to share a count with another.
    ports = [*named, free[0]] if named else free[:2]
    rows = [
        row
        for port in ports
        for family in (4, 6)
        for row in _rows(port, family, interfaces_of(port, facts), facts)
    ]
    ways = [row.via for row in rows]
    return Plan(
        rows=rows,
        texts=texts,
        interfaces=list(dict.fromkeys([*ways, *facts.interfaces]))[: max(MOST_LINKS, len(set(ways)))],
        targets=list(
            dict.fromkeys([row.target for row in rows] + [*addresses.TARGETS.values(), *facts.sent_to])
        ),
        nets=[each.net for each in facts.sources],
        ports=ports,
        elsewhere=facts.elsewhere,
        named=named,
        unnamed=free[0],
        cap=max(wishes.dials, math.ceil(1.25 * facts.largest)),
        backlog=wishes.backlog,
        patience=wishes.patience,
    )


def interfaces_of(port: int, facts: Facts) -> list[str]:
    """Choose the interfaces by which a port is dialled: where there are many, those that rules about it name."""
    there = facts.interfaces or [DEFAULT_INTERFACE]
    mine = [name for name in facts.of_port(port) if name in there]
    chosen = list(dict.fromkeys([*mine, *there]))[:MOST_INTERFACES]
    return [name for name in there if name in chosen]


def also_with(plan: Plan, interfaces: Sequence[str]) -> Plan:
    """Return a plan whose hosts have these interfaces too, by which nobody dials."""
    return plan._replace(interfaces=list(dict.fromkeys([*plan.interfaces, *interfaces])))


def judged(ruleset: Ruleset, family: int) -> bool:
    """Tell whether any rule or dropping policy is on the way of a packet of this family."""
    mine = {"inet", "netdev", "ip" if family == 4 else "ip6"}
    return any(rule.place[0] in mine for rule in ruleset.rules) or any(
        chain.family in mine and chain.policy == "drop" for chain in ruleset.chains.values()
    )


def request(plan: Plan, row: Row, steps: Sequence[dict[str, Any]], sources: Sequence[str]) -> dict[str, Any]:
    """Return the request of a scenario for a row: the hosts, then its own steps after `listen`."""
    width = 32 if row.family == 4 else 128
    outgoing = any(step.get("outgoing") for step in steps)
    ports = list(dict.fromkeys([*plan.ports, *plan.elsewhere]))
    listen = {"do": "listen", "ports": ports, "backlog": plan.backlog, "outgoing": outgoing}
    return {
        "do": "scenario", "interfaces": plan.interfaces, "via": row.via, "targets": plan.targets,
        "sources": [f"{source}/{width}" for source in sources], "sysctls": plan.sysctls,
        "steps": [listen, *steps],
    }  # fmt: skip


def _rows(port: int, family: int, interfaces: Sequence[str], facts: Facts) -> Iterator[Row]:
    """Lay out the rows of a port: each interface, each net of sources and each address of ours that rules name."""
    targets = [str(addresses.inside(each.net)) for each in _named(facts.targets, port, family)][:MOST_TARGETS]
    targets = list(dict.fromkeys(targets)) or [addresses.TARGETS[family]]
    to = targets if len(targets) > 1 else ["any"]
    named = [each.net for each in facts.sources]
    source = addresses.first_source(family, named)
    own = {str(addresses.inside(each.net)) for each in facts.targets} | {*facts.sent_to}
    for via in interfaces:
        yield Row(port, family, via, "any", source, targets[0], to[0])
    for target in targets[1:]:
        yield Row(port, family, interfaces[0], "any", source, target, target)
    for each in _rows_of_their_own(_named(facts.sources, port, family)):
        via = each.via if each.via in interfaces else interfaces[0]
        first = addresses.first_source(family, named, each.net)
        if first not in own:
            yield Row(port, family, via, each.net, first, targets[0], to[0])


def _rows_of_their_own(places: Sequence[Named]) -> list[Named]:
    """Choose among nets; one stands for all that are only refused."""
    refused = [each for each in places if each.rank == REFUSED]
    return [each for each in places if each.rank != REFUSED or each is refused[0]][:MOST_NETS]


def _named(places: Sequence[Named], port: int, family: int) -> list[Named]:
    return [each for each in places if each.family == family and each.about(port)]
