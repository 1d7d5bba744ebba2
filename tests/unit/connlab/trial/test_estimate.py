"""How long a trial will take is said before it starts, where that is long."""

from __future__ import annotations

import re

from connlab.trial.dialling import estimate, plan
from connlab.trial.dialling.plan import Wishes
from connlab.trial.rules import facts, ruleset_reading

LISTING = {"nft": "table ip filter {\n\tchain INPUT {\n\t\ttype filter hook input priority 0; policy accept;\n"
                  "\t\ttcp dport 80 accept # handle 2\n\t}\n}\n"}  # fmt: skip


def announced(ports: list[int]) -> str:
    """Announce a trial of these ports beside 80; only IPv4 is looked at."""
    rules = ruleset_reading.read(LISTING)
    return estimate.announcement(plan.plan(facts.facts(rules), [], Wishes(ports)), rules)


def test_many_ports_are_announced():
    """With their number, and the seconds that grow with the pairs of ports; few ports are not."""
    few, many = announced([443, 8443]), announced(list(range(8000, 8016)))
    assert few == ""
    ports, rows, seconds = map(
        int, re.fullmatch(r"(\d+) ports, (\d+) rows: this takes about (\d+) s", many).groups()
    )
    assert (ports >= 17, rows) == (True, 2 * ports)
    assert seconds > estimate.WORTH_A_WORD
