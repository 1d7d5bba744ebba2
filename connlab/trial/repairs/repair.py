"""A repair of one rule: the rules in its place, and the words that say what is different."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from connlab.base.wording import listed


class Where(NamedTuple):
    """What a repair may depend on: the row's family and limit, which ports share a count, the rule's nft table."""

    family: int  # 4 or 6, of the row
    ports: Sequence[int] = ()
    table: str = ""  # family and name, as nft has them: `inet filter`
    limit: int | None = None  # how many of one source got in, where others did not


class Repair(NamedTuple):
    """`words` complete "with ..."; `rules` take the place of the old one; `first` are statements of nft before them."""

    words: str
    rules: Sequence[str]
    first: Sequence[str] = ()


Change = Callable[[str, Where], Repair | None]  # None: not for this rule


def apply(changes: Sequence[Change], rule: str, where: Where) -> tuple[Repair, frozenset[Change]] | None:
    """Apply changes one after another; what one makes of a rule is the next one's.

    Returns the repair, and which of the changes are in it; None if none is for this rule.
    """
    rules = [rule]
    first: list[str] = []
    made: dict[Change, str] = {}
    for change in changes:
        new = [change(each, where) for each in rules]
        if found := [each for each in new if each]:
            rules = [
                text for old, one in zip(rules, new, strict=True) for text in (one.rules if one else [old])
            ]
            first += found[0].first
            made[change] = found[0].words
    return (Repair(listed([*made.values()]), rules, first), frozenset(made)) if made else None
