"""Which ports are tried for one count: those whose SYNs come as far as the same rule that counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connlab.trial.observations import Dial
from connlab.trial.ruleset import Place, Ruleset
from connlab.trial.tried import Tried

MOST = 3  # ports that are held before another; where more may share, each with the one before it: a chain shows all


def pairs(tried: Sequence[Tried], ruleset: Ruleset) -> Iterator[tuple[Tried, int, int]]:
    """Yield a row, the port to hold before it is dialled, and how many connections of that."""
    counting = {rule.place for rule in ruleset.rules}
    for each in tried:
        needed = _needed(each)
        if not needed:
            continue
        others = [
            other for other in tried
            if other.row.port != each.row.port
            and other.row._replace(port=0) == each.row._replace(port=0)
            and other.reached & each.reached & counting
            and other.limit != 0
        ]  # fmt: skip
        for other in _chosen(each, others):
            yield each, other.row.port, min(needed, other.limit or needed)


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
    """Tell each row which ports share its count: held ones that let fewer in, and what shares with those."""
    for each in tried:
        mine = [other for other in tried if other.row._replace(port=0) == each.row._replace(port=0)]
        joined = {(other.row.port, port) for other in mine for port in _fewer_with(other)}
        found = {each.row.port}
        while more := {port for pair in joined if found & {*pair} for port in pair} - found:
            found |= more
        each.ports = frozenset(found - {each.row.port})


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
