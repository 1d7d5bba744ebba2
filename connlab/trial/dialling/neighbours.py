"""Whether who does not know the server finds it: rules may drop what neighbours ask each other before any SYN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from connlab.trial.dialling.plan import Plan, Row, judged, request
from connlab.trial.hosts.conductor import Conductor
from connlab.trial.rules.ruleset import Place, Ruleset

LINK = {"arp", "netdev"}  # families whose rules see ARP


class Discovery(NamedTuple):
    """What came of asking, by one interface over one family: who was found, and what dropped something of it."""

    family: int
    via: str
    server: bool
    client: bool
    dropped: Sequence[Place]


class Asked(NamedTuple):
    """Scenarios that run beside others: whose each is, and the numbers of the two, of the server and of the client."""

    rows: Sequence[Row]
    of_server: Sequence[int]
    of_client: Sequence[int]


def ask(conductor: Conductor, plan: Plan, ruleset: Ruleset) -> Asked:
    """Let neighbours ask for each other by each interface, over each family of which rules may drop that."""
    first: dict[tuple[int, str], Row] = {}
    for row in plan.rows:
        if _may_drop(ruleset, row.family):
            first.setdefault((row.family, row.via), row)
    rows = list(first.values())
    server, client = (
        conductor.begin([_scenario(plan, row, of) for row in rows]) for of in ("server", "client")
    )
    return Asked(rows, server, client)


def seen(conductor: Conductor, asked: Asked) -> list[Discovery]:
    """Wait for what came of it."""
    found = []
    numbers = zip(asked.of_server, asked.of_client, strict=True)
    for row, two in zip(asked.rows, numbers, strict=True):
        server, client = (one.step("discover") for one in conductor.observations(two))
        dropped: list[Place] = [
            (family, table, chain, handle)
            for family, table, chain, handle in (server if not server["found"] else client)["dropped"]
        ]
        found.append(Discovery(row.family, row.via, server["found"], client["found"], dropped))
    return found


def noted(entry: dict[str, Any], found: Sequence[Discovery]) -> dict[str, Any]:
    """Return a row's entry that says so if who does not know the server yet does not find it there."""
    lost = any(not each.server and each[:2] == (entry["family"], entry["via"]) for each in found)
    return {**entry, "found": False} if lost else entry


def _may_drop(ruleset: Ruleset, family: int) -> bool:
    """Tell whether rules see what neighbours ask: of IPv6 all that see IPv6, of IPv4, which uses ARP, few."""
    if family == 6:
        return judged(ruleset, 6)
    return any(chain.family in LINK or chain.hook == "ingress" for chain in ruleset.chains.values())


def _scenario(plan: Plan, row: Row, of: str) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [
        {"do": "load", "texts": list(plan.texts)},
        {"do": "discover", "family": row.family, "of": of},
    ]
    return {**request(plan, row, steps, []), "strangers": True}
