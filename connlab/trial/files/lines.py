"""Which line of which file made each rule: what a text says in order, and what the kernel made in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from connlab.trial.rules.ruleset import Place, Ruleset

ChainName = tuple[str, str, str]  # family, table, name
Handle = tuple[str, str, int]  # family, table, handle: a table gives each number once
Made = Sequence[
    tuple[str, str, str, int]
]  # family, table, chain, handle of each rule that a text made, in order


class Line(NamedTuple):
    """A line of a file, counted from 1."""

    file: str
    line: int


class Origin(NamedTuple):
    """Where what a text makes comes from: for each chain, the lines of its rules in the order of making."""

    rules: Mapping[ChainName, Sequence[Line | None]]
    policies: Mapping[ChainName, Line]


class Lines(NamedTuple):
    """Where each rule and each policy comes from; what is not there, nobody knows."""

    rules: Mapping[Place, Line]
    policies: Mapping[ChainName, Line]


def handles(origin: Origin, made: Made) -> dict[Handle, Line]:
    """Find the line of each rule that a text made; where more or fewer were made than it says, nothing is known."""
    chains: dict[ChainName, list[int]] = {}
    for family, table, chain, handle in made:
        chains.setdefault((family, table, chain), []).append(handle)
    return {
        (name[0], name[1], handle): line
        for name, numbers in chains.items()
        if len(numbers) == len(origin.rules.get(name, ()))
        for handle, line in zip(numbers, origin.rules[name], strict=True)
        if line
    }


def lines(origins: Iterable[Origin], known: Mapping[Handle, Line | None], ruleset: Ruleset) -> Lines:
    """Put together what is known of the rules that are in force."""
    rules = {}
    for rule in ruleset.rules:
        family, table, _, handle = rule.place
        if line := known.get((family, table, handle)):
            rules[rule.place] = line
    policies = {chain: line for origin in origins for chain, line in origin.policies.items()}
    return Lines(rules, policies)


def of_what_is_there(ruleset: Ruleset, known: Lines) -> Origin:
    """Return the origin of a text that makes what is in force anew, each chain from its first rule to its last."""
    rules: dict[ChainName, list[Line | None]] = {}
    for rule in ruleset.rules:
        rules.setdefault(rule.place[:3], []).append(known.rules.get(rule.place))
    return Origin(rules, known.policies)
