"""What is in force on a host, read from what its tools list: chains in their order, and the rules of each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from connlab.trial.rules import nft_elements

QUOTED = re.compile(r"\"(?:\\.|[^\"\\])*\"")
NAMED_SET = re.compile(r"(?<!add )(?<!update )(?<!delete )@([\w.-]+)")
NAMED_LIMIT = re.compile(r"\blimit name \"?([\w.-]+)\"?")

ChainName = tuple[str, str, str]  # family, table, name
Place = tuple[str, str, str, int]  # family, table, chain, handle: as a trace names a rule


class Chain(NamedTuple):
    """A chain; `hook` and `policy` are empty for one that only others jump to."""

    family: str
    table: str
    name: str
    hook: str
    policy: str


class Rule(NamedTuple):
    """A rule: `text` in the words of the tool that it came from, `packets` None where it has no counter."""

    place: Place
    text: str
    packets: int | None


class Set(NamedTuple):
    """A named set or map of nft: `size` None where it has none, `dynamic` where rules fill it, `elements` as listed."""

    size: int | None
    dynamic: bool
    elements: str


class Ruleset(NamedTuple):
    """All rules of a host, in the order of each chain; `listing` is what they were read from."""

    chains: Mapping[ChainName, Chain]
    rules: Sequence[Rule]
    sets: Mapping[ChainName, Set]
    listing: Mapping[str, str]
    limits: Mapping[ChainName, str] = {}  # named ones of nft, in the words of a rule

    def of(self, chain: ChainName) -> list[Rule]:
        """Return the rules of a chain, in their order."""
        return [rule for rule in self.rules if rule.place[:3] == chain]

    def words(self, rule: Rule) -> str:
        """Return the text of a rule with what its named sets, maps and limits have in their place.

        Each field of a concatenation stands on its own.
        """

        def elements(match: re.Match[str]) -> str:
            found = self.sets.get((*rule.place[:2], match[1]))
            if found is None or found.dynamic:
                return match[0]
            return f"{{ {nft_elements.without_notes(found.elements)} }}"

        def limit(match: re.Match[str]) -> str:
            return self.limits.get((*rule.place[:2], match[1]), match[0])

        if rule.text.startswith("-A "):
            return rule.text
        return nft_elements.apart(NAMED_LIMIT.sub(limit, NAMED_SET.sub(elements, rule.text)))
