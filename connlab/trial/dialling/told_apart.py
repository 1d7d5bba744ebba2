"""Which rows the rules tell apart: one whose SYNs the same rules judged as another's is left out."""

from __future__ import annotations

from collections.abc import Sequence

from connlab.trial.dialling.tried import Tried


def told_apart(tried: Sequence[Tried]) -> list[Tried]:
    """Leave out the rows of a net, or of an address of ours, whose SYNs the same rules judged as those of any.

    These are the rows of one port and family.
    """
    kept: list[Tried] = []
    for each in tried:
        if not any(_alike(other, each) for other in kept):
            kept.append(each)
    if len({each.row.to for each in kept}) == 1:
        for each in kept:
            each.row = each.row._replace(to="any")
    return kept


def _alike(one: Tried, other: Tried) -> bool:
    return one.row.via == other.row.via and _judges(one) == _judges(other)


def _judges(tried: Tried) -> object:
    matched = frozenset().union(*(dial.matched for dial in tried.dials))
    return {dial.judge for dial in tried.dials}, matched, tried.reached, tried.limit is None
