"""A text with tables of both families one after another, as `iptables-save; ip6tables-save` prints: what is whose."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import NamedTuple

from connlab.trial.files.rule_marks import SAVED_BY, TABLE, is_for_ipv6

UFW6 = re.compile(r"\bufw6-[a-z]")


class Part(NamedTuple):
    """The lines of one family: those of the other are blank in `text`, so that each keeps its number."""

    family: int
    text: str


class Block(NamedTuple):
    """A table, from its name to the next one; `saved_by` is the family of the tool in the last head before, if any."""

    name: str
    first: int
    saved_by: int | None
    is_six: bool


def parts(text: str) -> list[Part]:
    """Return the parts of a text of both families, in their order; none if it is not of both."""
    lines = text.split("\n")
    blocks = _blocks(lines)
    families = _families(blocks)
    if len(set(families)) < 2:
        return []
    owners: list[int] = []
    for number in range(len(lines)):
        at = max((n for n, block in enumerate(blocks) if block.first <= number), default=0)
        owners.append(families[at])
    return [
        Part(
            family,
            "\n".join(line if owner == family else "" for line, owner in zip(lines, owners, strict=True)),
        )
        for family in dict.fromkeys(families)
    ]


def is_of_both(text: str) -> bool:
    """Tell whether a text has tables of both families."""
    return bool(parts(text))


def family_at(text: str, line: int) -> int:
    """Return the family of the part that has a line, counted from 1, of a text of both."""
    return next((part.family for part in parts(text) if part.text.split("\n")[line - 1].strip()), 4)


def _blocks(lines: Sequence[str]) -> list[Block]:
    tables = [number for number, line in enumerate(lines) if TABLE.match(line)]
    heads = [(number, head[1]) for number, line in enumerate(lines) if (head := SAVED_BY.match(line))]
    found = []
    for first, until in itertools.pairwise([*tables, len(lines)]):
        before = [tool for number, tool in heads if number < first]
        saved_by = (6 if before[-1] == "ip6tables" else 4) if before else None
        inside = "\n".join(line for line in lines[first:until] if not SAVED_BY.match(line))
        six = is_for_ipv6(inside) or UFW6.search(inside) is not None
        found.append(Block(lines[first].strip(), first, saved_by, six))
    return found


def _families(blocks: Sequence[Block]) -> list[int]:
    """Return the family of each table: by the head before it.

    Those before the first head are of the other family than that if one of them comes again after it. Without heads it
    is by their words, if a table of that name is there twice.
    """
    first = next((block.saved_by for block in blocks if block.saved_by), None)
    if first is None:
        names = [block.name for block in blocks]
        twice = any(names.count(name) > 1 for name in names)
        return [6 if block.is_six and twice else 4 for block in blocks]
    leading = {block.name for block in blocks if block.saved_by is None}
    again = any(block.name in leading and block.saved_by == first for block in blocks)
    other = 4 if first == 6 else 6
    return [block.saved_by or (other if again else first) for block in blocks]
