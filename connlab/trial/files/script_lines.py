"""Which line of a script made each rule, and set each policy: from its calls, and from what the kernel told of each."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from connlab.trial.files import fed_text, lines
from connlab.trial.files.forms import Input
from connlab.trial.files.lines import ChainName, Handle, Line, Origin

PASSED_ON = re.compile(r"\$\{?[@*]")


def call_lines(told: Mapping[str, Any]) -> list[int | None]:
    """Return the line of each call; where the shell tells none, that of the same call when bash ran the script."""
    mine, other = told["calls"], told.get("by_bash")
    if told["traps"]:
        return [None] * len(mine)
    if other is None:
        return [_number(call, told["text"]) for call in mine]
    found: list[int | None] = [None] * len(mine)
    these, those = ([(call["tool"], *call["words"]) for call in calls] for calls in (mine, other))
    for block in difflib.SequenceMatcher(None, these, those, autojunk=False).get_matching_blocks():
        for at in range(block.size):
            found[block.a + at] = _number(other[block.b + at], told["text"])
    return found


def of_rules(brought: Input, told: Mapping[str, Any]) -> dict[Handle, Line | None]:
    """Return the line of each rule that a call made; None if nobody knows it."""
    numbers = call_lines(told)
    made: dict[int, list[tuple[str, str, str, int]]] = {}
    for family, table, chain, handle, call in told["rules"]:
        made.setdefault(call, []).append((family, table, chain, handle))
    known: dict[Handle, Line | None] = {}
    for call, rules in made.items():
        number = numbers[call] if call >= 0 and not told["lost"] else None
        line = Line(brought.path, number) if number else None
        known |= {(family, table, handle): line for family, table, _, handle in rules}
        if call >= 0 and (origin := fed_text.fed(brought, told["calls"][call], number)):
            known |= lines.handles(origin, rules)
    return known


def of_policies(brought: Input, told: Mapping[str, Any]) -> dict[ChainName, Line]:
    """Return the line of each policy: of a call with `-P`, or else the one whose call changed it."""
    numbers = call_lines(told)
    found: dict[ChainName, Line] = {}
    for family, table, chain, call in told["policies"]:
        if number := numbers[call]:
            found[family, table, chain] = Line(brought.path, number)
        origin = fed_text.fed(brought, told["calls"][call], number)
        found |= _only(origin, (family, table, chain))
    for number, call in zip(numbers, told["calls"], strict=True):
        chain = _set_by(call["words"])
        if chain and number and call["status"] == 0:
            family = "ip6" if call["tool"].startswith("ip6") else "ip"
            found[family, _after(call["words"], "-t", "--table") or "filter", chain] = Line(
                brought.path, number
            )
    return found


def _only(origin: Origin | None, chain: ChainName) -> dict[ChainName, Line]:
    return {chain: origin.policies[chain]} if origin and chain in origin.policies else {}


def _set_by(words: Sequence[str]) -> str | None:
    return _after(words, "-P", "--policy")


def _after(words: Sequence[str], *options: str) -> str | None:
    return next((words[at + 1] for at, word in enumerate(words[:-1]) if word in options), None)


def _number(call: Mapping[str, Any], script: str) -> int | None:
    """Choose among a call's line and those that called the functions around it, from the inside out.

    A line that passes on what its function was given, as `iptables "$@"` does, says nothing itself.
    """
    said = script.split("\n")
    numbers = [int(word) for word in call["line"].split() if word.isdigit() and 0 < int(word) <= len(said)]
    return next((number for number in numbers if not PASSED_ON.search(said[number - 1])), None) or next(
        iter(numbers), None
    )
