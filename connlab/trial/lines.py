"""Which line of which file made a rule, or set a chain's policy: read from the texts, as the tools obey them."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Mapping
from typing import NamedTuple

from connlab.trial.forms import Input
from connlab.trial.nft_text import statements
from connlab.trial.ruleset import Place, Ruleset


class Line(NamedTuple):
    """A line of a file, counted from 1."""

    file: str
    line: int


ChainName = tuple[str, str, str]
Orders = dict[ChainName, list[Line | None]]


class Known(NamedTuple):
    """The line of each rule of a chain, in the order of the rules, and of each policy, after some files."""

    orders: Orders
    policies: dict[ChainName, Line]


class Lines(NamedTuple):
    """Where each rule and each policy comes from; what is not there, nobody knows."""

    rules: Mapping[Place, Line]
    policies: Mapping[ChainName, Line]


def lines(known: Known, ruleset: Ruleset) -> Lines:
    """Find the line of each rule that is in force; a chain with more or fewer rules than lines has none."""
    rules: dict[Place, Line] = {}
    for chain, order in known.orders.items():
        mine = ruleset.of(chain)
        if len(mine) == len(order):
            rules |= {rule.place: line for rule, line in zip(mine, order, strict=True) if line}
    return Lines(rules, known.policies)


def follow(each: Input, known: Known) -> None:
    """Follow a text as its tool obeys it."""
    if each.form in ("iptables-save", "ip6tables-save", "ufw"):
        _restored(each, known.orders, known.policies)
    elif each.form == "nft":
        _nft(each, known.orders, known.policies)


def _restored(text: Input, orders: Orders, policies: dict[ChainName, Line]) -> None:
    """Follow a restore text: a table's header empties it, `-A` and `-I` add; several addresses make several rules."""
    family = "ip6" if text.form == "ip6tables-save" else "ip"
    table = "filter"
    for number, raw in enumerate(text.text.splitlines(), 1):
        line = re.sub(r"^\[\d+:\d+\] ?", "", raw.strip())
        if line.startswith("*"):
            table = line[1:].strip()
            for chain in [each for each in orders if each[:2] == (family, table)]:
                del orders[chain]
        elif (match := re.match(r":(\S+) (ACCEPT|DROP)", line)) or (match := re.match(r"-P (\S+) ", line)):
            policies[family, table, match[1]] = Line(text.path, number)
        elif match := re.match(r"(-A|--append|-I|--insert) (\S+)(?: (\d+)(?= ))?", line):
            order = orders.setdefault((family, table, match[2]), [])
            at = len(order) if match[1] in ("-A", "--append") else int(match[3] or 1) - 1
            order[at:at] = [Line(text.path, number)] * _rules_of(line)


def _rules_of(line: str) -> int:
    """Count the rules that a line makes: one for each pair of a source and a destination (iptables(8), -s)."""
    try:
        words = shlex.split(line)
    except ValueError:
        return 1
    count = 1
    for option, value in itertools.pairwise(words):
        if option in ("-s", "--source", "--src", "-d", "--destination", "--dst"):
            count *= value.count(",") + 1
    return count


def _nft(text: Input, orders: Orders, policies: dict[ChainName, Line]) -> None:
    for statement in statements(text.text):
        line = Line(text.path, statement.line)
        if statement.kind == "flush":
            orders.clear()
        elif statement.kind == "policy":
            policies[statement.chain] = line
        elif statement.kind == "add":
            orders.setdefault(statement.chain, []).append(line)
        elif statement.kind == "insert":
            orders.setdefault(statement.chain, []).insert(0, line)
