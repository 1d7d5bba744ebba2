"""Offices: people behind one masquerading router, whom a rule that counts by source address takes for one client."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from connlab.base.errors import Usage
from connlab.trial.dialling.dial_words import letters, pattern
from connlab.trial.dialling.plan import Office, Plan, Row, Wishes, request
from connlab.trial.hosts import addresses
from connlab.trial.hosts.observations import Observation

MOST = 8000  # connections of all offices: each takes two descriptors of the sandbox's 16,384
OFFICE = re.compile(r"(\d{1,9})\s*x\s*(\d{1,9})(?:\s+on\s+(?:port\s+)?(\d{1,9}))?", re.ASCII)
EXAMPLES = "--office 50x6, or --office '50x6 on 443'"


class Visit(NamedTuple):
    """An office at one port: the row says where it dials; `router` is the one address that the server sees."""

    office: Office
    row: Row

    @property
    def router(self) -> str:
        """Return the address of the router's outer side: the first source of the row."""
        return self.row.source

    @property
    def neighbour(self) -> str:
        """Return another address in the router's /24."""
        return addresses.neighbour(self.router, 24) or self.router


def parse(text: str) -> Office:
    """Read `50x6` or `50x6 on 443`. Raises `Usage`."""
    match = OFFICE.fullmatch(text.strip())
    if match is None:
        raise Usage(f"{text!r} is no office", next_step=EXAMPLES)
    office = Office(*(int(number or 0) for number in match.groups()))
    wrong = {
        "nobody dials there: people and connections are 1 at least": not office.people * office.each,
        f"it has {office.people * office.each:,} connections, and at most {MOST:,} are tried":
            office.people * office.each > MOST,
        "ports are 1 to 65535": match[3] is not None and not 0 < office.port < 65536,
    }  # fmt: skip
    if why := next((why for why, is_so in wrong.items() if is_so), ""):
        raise Usage(f"{text!r} is no office", why, next_step=EXAMPLES)
    return office


def visits(plan: Plan, wishes: Wishes) -> list[Visit]:
    """Lay out where offices dial: over IPv4, because nobody masquerades IPv6, and by one interface.

    Raises `Usage` if there are too many connections.
    """
    result = [Visit(office, row) for office in wishes.offices for row in _rows(plan, wishes, office)]
    total = sum(office.people * office.each for office, _ in result)
    if total > MOST:
        office, row = result[0]
        raise Usage(
            f"{total:,} connections of offices are not tried", f"at most {MOST:,}",
            next_step=f"--office '{office.people}x{office.each} on {row.port}'",
        )  # fmt: skip
    return result


def _rows(plan: Plan, wishes: Wishes, office: Office) -> list[Row]:
    """Return the rows whose port an office dials."""
    ports = [office.port] if office.port else plan.named or [plan.unnamed]
    mine = [row for row in plan.rows if row.family == 4 and row.net == "any"]
    return [next(row for row in mine if row.port == port) for port in ports]


def scenario(plan: Plan, visit: Visit) -> dict[str, Any]:
    """Let everybody dial, in turn, and hold what they got; then the neighbour, as often as one person."""
    office, row = visit
    steps = [
        {"do": "load", "texts": list(plan.texts)},
        {"do": "people_dial", **office._asdict(), "target": row.target, "port": row.port},
        {"do": "dial", "routes": [[visit.neighbour, row.target, row.port]], "count": office.each,
         "name": "neighbour"},
    ]  # fmt: skip
    return {**request(plan, row, steps, [visit.neighbour]), "office": visit.router}


def entry(visit: Visit, seen: Observation) -> dict[str, Any]:
    """Return one of `offices[]`: what all got, each person, and the pattern of the neighbour's dials."""
    people, dials = visit.office.people, letters(seen.of("people_dial"))
    per_person = [dials[person::people].count("E") for person in range(people)]
    return {
        "port": visit.row.port, "people": people, "each": visit.office.each, "got": sum(per_person),
        "per_person": per_person, "neighbour": pattern(letters(seen.of("neighbour"))),
    }  # fmt: skip
