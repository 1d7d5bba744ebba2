"""Which ports are tried for one count: those whose SYNs come as far as the same rule that counts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from connlab.trial.dialling.tried import Tried
from connlab.trial.hosts.observations import Dial
from connlab.trial.rules import facts
from connlab.trial.rules.ruleset import Place, Rule, Ruleset

# What several rules may count in: a set of nft, a named limit, a table of hashlimit's, a list of recent's.
SHARED = re.compile(
    r"\b(?:add|update) (@\S+)|\blimit name (\S+)|(--hashlimit-name \S+)|-m recent\b.*?(--name \S+)"
)
MOST = 3  # ports that are held before another; where more may share, each with the one before it: a chain shows all


def pairs(tried: Sequence[Tried], ruleset: Ruleset, cap: int) -> Iterator[tuple[Tried, int, int]]:
    """Yield a row, the port to hold before it is dialled, and how many connections of that: `cap` at most.

    They use up what the other port may have, or a count of no limit of its own; and what this one needs.
    """
    counts = {rule.place: _count(rule) for rule in ruleset.rules}
    numbers = {rule.place: facts.numbers(ruleset.words(rule)) for rule in ruleset.rules}
    for each in tried:
        needed = _needed(each)
        if not needed:
            continue
        mine = {counts[place] for place in each.reached & counts.keys()}
        others = [
            other for other in tried
            if other.row.port != each.row.port
            and other.row._replace(port=0) == each.row._replace(port=0)
            and mine & {counts[place] for place in other.reached & counts.keys()}
            and other.limit != 0
        ]  # fmt: skip
        for other in _chosen(each, others):
            both = [
                number for place in (each.reached | other.reached) & counts.keys()
                if each.limit and counts[place] in mine for number in numbers[place]
            ]  # fmt: skip
            yield each, other.row.port, min(max(needed, *both, 0), other.limit or cap)


def _count(rule: Rule) -> tuple[str, ...]:
    """Name what a rule counts in: itself, or a set, a list or a table that other rules may fill too."""
    match = SHARED.search(rule.text)
    return (*map(str, rule.place),) if match is None else (*rule.place[:2], *filter(None, match.groups()))


def _chosen(each: Tried, others: Sequence[Tried]) -> list[Tried]:
    if len(others) <= MOST:
        return list(others)
    unlimited = [other for other in others if other.limit is None][:1]
    before = [other for other in others if other.row.port < each.row.port] or others
    return [max(before, key=lambda other: other.row.port), *unlimited]


def _needed(each: Tried) -> int:
    """Return how many connections use a count up: the limit, or as many as a rule lets pass before it first matches."""
    counts = [each.first_match[place] for place in each.reached if place in each.first_match]
    return each.limit or max(counts, default=0)


def share(tried: Sequence[Tried]) -> None:
    """Tell each row which ports take from its count: held ones that let fewer in, and what shares with those.

    Ports share one limit if each takes from the other, as far as that was tried; else one takes from another's alone.
    """
    for each in tried:
        mine = [other for other in tried if other.row._replace(port=0) == each.row._replace(port=0)]
        limits = {other.row.port: other.limit for other in mine}
        taking = {(port, other.row.port) for other in mine for port in _fewer_with(other)}
        left = {(port, other.row.port) for other in mine for port in other.held} - taking
        joined = {
            (one, two) for one, two in taking if limits.get(one) == limits[two] and (two, one) not in left
        }
        found = {each.row.port}
        while more := {port for pair in joined if found & {*pair} for port in pair} - found:
            found |= more
        each.ports = frozenset((found | _fewer_with(each)) - {each.row.port})


def _fewer_with(each: Tried) -> set[int]:
    """Return the ports of which so many held connections let fewer of this one in."""
    return {port for port, seen in each.held.items() if each.fewer(seen.of("dial"))}


def counted_by(each: Tried, port: int) -> list[Place]:
    """Return the rules that matched a dial of this row sooner while connections to another port were held.

    Sooner is after fewer dials that came as far as the rule: another one may have let fewer in before.
    """
    sooner = []
    for place in sorted(each.reached & each.first_match.keys()):
        first = _before(each, place, each.held[port].of("dial"))
        if first is not None and first < (_before(each, place, each.dials) or 0):
            sooner.append(place)
    return sooner


def _before(each: Tried, place: Place, dials: Sequence[Dial]) -> int | None:
    """Count the dials that came as far as a rule before it first matched one; None if it matched none."""
    came = 0
    for dial in dials:
        if place in dial.matched:
            return came
        came += dial.judge not in each.passing[place]
    return None
