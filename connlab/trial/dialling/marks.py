"""Marks before rules that count, so that a trace shows which SYNs come as far as the count itself.

A mark has what such a rule asks before it counts, and decides nothing; it is inserted right before the rule. Where a
tool does not take that, it is a bare counter, which everything that comes to the rule passes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connlab.trial.hosts.observations import Observation
from connlab.trial.rules import rule_text
from connlab.trial.rules.ruleset import Place, Rule, Ruleset

Text = Mapping[str, str]

SAVED = {"ip": "iptables", "ip6": "ip6tables"}


def step(rules: Ruleset, marked: Sequence[Rule]) -> dict[str, Any]:
    """Return the step that inserts a mark before each of some rules, from the last one up, so that places stay."""
    by_tool: dict[str, list[list[Text]]] = {}
    for rule in reversed(marked):
        choices = [*_exact(rules, rule), _counter(rule)]
        by_tool.setdefault(choices[0]["tool"], []).append(choices)
    return {"do": "mark", "marks": [_of_a_tool(tool, each) for tool, each in by_tool.items()]}


def _of_a_tool(tool: str, each: Sequence[Sequence[Text]]) -> dict[str, Any]:
    """Return all marks as one text, which is one process; and each by itself, should the tool not take them."""
    if tool == "nft":
        return {"all": {"tool": tool, "text": "".join(choices[0]["text"] for choices in each)}, "each": each}
    sections: dict[str, list[str]] = {}
    for choices in each:
        table, line, _ = choices[0]["text"].splitlines()
        sections.setdefault(table, []).append(line)
    text = "".join("\n".join([table, *lines, "COMMIT", ""]) for table, lines in sections.items())
    return {"all": {"tool": tool, "text": text}, "each": each}


def _exact(rules: Ruleset, rule: Rule) -> list[Text]:
    asked = rule_text.before_count(rule.text)
    family, table, chain, handle = rule.place
    if rule.text.startswith("-A "):
        at = rules.of(rule.place[:3]).index(rule) + 1
        text = f"*{table}\n-I {chain} {at} {asked}\nCOMMIT\n"
        return [{"tool": f"{SAVED[family]}-beside", "text": text}]
    if not asked:
        return []
    return [
        {"tool": "nft", "text": f"insert rule {family} {table} {chain} position {handle} {asked} counter\n"}
    ]


def _counter(rule: Rule) -> Text:
    family, table, chain, handle = rule.place
    return {"tool": "nft", "text": f"insert rule {family} {table} {chain} position {handle} counter\n"}


def reached(seen: Observation, marked: Sequence[Rule]) -> list[frozenset[Place]]:
    """Return for each dial the marked rules that its SYNs came as far as; in the list each rule is after its mark."""
    listed = [tuple(place) for *place, _ in seen.step("places")["places"]]
    mark_of = {
        rule.place: listed[listed.index(rule.place) - 1] for rule in marked if rule.place in listed[1:]
    }
    return [
        frozenset(place for place, mark in mark_of.items() if mark in dial.matched) for dial in seen.dials
    ]
