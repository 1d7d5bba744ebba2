"""What a repair does to the rules that are in force, as a text for their own tool, to be loaded after the files."""

from __future__ import annotations

import re
from collections.abc import Sequence

from connlab.trial.rules.ruleset import ChainName, Place, Rule, Ruleset

Text = dict[str, str]  # as the sandbox takes it: tool and text
TOOLS = {"ip": "iptables-beside", "ip6": "ip6tables-beside"}


def replaced(ruleset: Ruleset, place: Place, rules: Sequence[str], first: Sequence[str] = ()) -> Text:
    """Put rules in the place of one; `first` are statements of nft that come before."""
    if not _by_iptables(_rule(ruleset, place)):
        where = _nft_chain(place[:3])
        new = [f"insert rule {where} position {place[3]} {rule}" for rule in rules]
        return {"tool": "nft", "text": _lines(*first, *new, f"delete rule {where} handle {place[3]}")}
    at = _position(ruleset, place)
    new = [f"-I {place[2]} {at + n} {_without_chain(rule)}" for n, rule in enumerate(rules)]
    return _restore(place, [f"-D {place[2]} {at}", *new])


def moved(ruleset: Ruleset, place: Place, before: Place, rule: str, first: Sequence[str] = ()) -> Text | None:
    """Move a rule, as `rule` now, before another one; None unless that is an earlier one of the same chain."""
    if place[:3] != before[:3] or before[3] == 0 or _position(ruleset, before) > _position(ruleset, place):
        return None
    if not _by_iptables(_rule(ruleset, place)):
        where = _nft_chain(place[:3])
        new = f"insert rule {where} position {before[3]} {rule}"
        return {"tool": "nft", "text": _lines(*first, new, f"delete rule {where} handle {place[3]}")}
    new = f"-I {place[2]} {_position(ruleset, before)} {_without_chain(rule)}"
    return _restore(place, [f"-D {place[2]} {_position(ruleset, place)}", new])


def preceded(ruleset: Ruleset, chain: ChainName, by_iptables: str, by_nft: str) -> Text:
    """Put a rule before all others of a chain."""
    if any(map(_by_iptables, ruleset.of(chain))):
        return _restore((*chain, 0), [f"-I {chain[2]} 1 {by_iptables}"])
    return {"tool": "nft", "text": _lines(f"insert rule {_nft_chain(chain)} {by_nft}")}


def also_by_ip6tables(place: Place, rule: str) -> Text:
    """Add a rule that iptables has to the same chain of ip6tables."""
    return _restore(("ip6", *place[1:]), [rule])


def _rule(ruleset: Ruleset, place: Place) -> Rule:
    return next(rule for rule in ruleset.rules if rule.place == place)


def _by_iptables(rule: Rule) -> bool:
    return rule.text.startswith("-A ")


def _position(ruleset: Ruleset, place: Place) -> int:
    """Count the rules of a chain up to one, as iptables does."""
    return 1 + [rule.place for rule in ruleset.of(place[:3])].index(place)


def _without_chain(rule: str) -> str:
    return re.sub(r"^-A \S+ ?", "", rule)


def _nft_chain(chain: ChainName) -> str:
    return " ".join(chain)


def _restore(place: Place, lines: Sequence[str]) -> Text:
    return {"tool": TOOLS[place[0]], "text": _lines(f"*{place[1]}", *lines, "COMMIT")}


def _lines(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)
