"""The rules with nothing decided: every packet goes on after each, so that a trace shows which rules could match it.

A rule that saw no packet is only then to blame on another if its own matches are those of some packet that was sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from connlab.trial.rules import rule_verdicts
from connlab.trial.rules.ruleset import QUOTED, ChainName, Place, Ruleset
from connlab.trial.rules.ruleset_reading import FAMILIES, HANDLE, OURS

VERDICT = re.compile(
    r"\breject(?: with (?:tcp reset|icmp(?:v6|x)? (?:type )?[\w-]+))?"
    r"|\b(?:queue(?: flags \S+)?(?: (?:num|to) \S+)?|redirect(?: to \S+)?|masquerade(?: to \S+)?)"
    r"|\b[sd]nat (?:ip6? )?(?:to|prefix to) \S+|\btproxy (?:ip6? )?to \S+|\b(?:accept|drop|return)\b"
)
GOTO = re.compile(r"\bgoto\b")
# What returns packets by the kind of their address leaves the rest of its chain to others than ours, as in ufw's.
BY_KIND = re.compile(r"-m addrtype\b|\bfib [sd]addr type\b")


def texts(rules: Ruleset) -> list[dict[str, str]]:
    """Return texts that load the rules without their verdicts."""
    saved = {(rule.place[0], rule.place[1]) for rule in rules.rules if rule.text.startswith("-A ")}
    found = [
        {"tool": tool, "text": "".join(_saved(rules, table) for table in saved if table[0] == family)}
        for tool, family in FAMILIES.items()
    ]
    found.append({"tool": "nft", "text": "\n".join(_listed(rules.listing["nft"], saved)) + "\n"})
    return [text for text in found if text["text"].strip()]


def same_places(rules: Ruleset, undecided: Sequence[Sequence[Any]]) -> dict[Place, Place]:
    """Return which rule of the host each rule without a verdict was, by its place in its chain."""
    copies: dict[ChainName, list[Place]] = {}
    for family, table, chain, handle, _ in undecided:
        copies.setdefault((family, table, chain), []).append((family, table, chain, handle))
    return {
        copy: rule.place
        for chain in rules.chains
        for copy, rule in zip(copies.get(chain, []), rules.of(chain), strict=False)
    }


def _saved(rules: Ruleset, table: tuple[str, str]) -> str:
    """Write a table of iptables' as its restorer takes it."""
    chains = [chain for chain in rules.chains.values() if (chain.family, chain.table) == table]
    lines = [f"*{table[1]}", *(f":{chain.name} {'ACCEPT' if chain.hook else '-'} [0:0]" for chain in chains)]
    lines += [_without_target(rule.text) for rule in rules.rules if rule.place[:2] == table]
    return "\n".join([*lines, "COMMIT", ""])


def _without_target(text: str) -> str:
    """Return a rule that only matches, or jumps to a chain, from which packets come back."""
    target = rule_verdicts.TARGET.search(QUOTED.sub(lambda quoted: "x" * len(quoted[0]), text))
    if target is None or (target[1] == "RETURN" and BY_KIND.search(text)):
        return text
    return text[: target.start()] + "".join(f" -j {name}" for name in rule_verdicts.jumps(text))


def _listed(listing: str, saved: set[tuple[str, str]]) -> Iterator[str]:
    """Write nft's other tables: what a rule decides is to go on, also in maps of verdicts; no policy drops."""
    skipped = False
    for line in listing.splitlines():
        if line.startswith("table "):
            _, family, table, *_ = line.split()
            skipped = table in OURS or (family, table) in saved
        if not skipped:
            yield _without_verdict(HANDLE.sub("", line))


def _without_verdict(line: str) -> str:
    if BY_KIND.search(line) and line.rstrip().endswith(" return"):
        return line
    parts = re.split(f"({QUOTED.pattern})", line)
    plain = [
        GOTO.sub("jump", VERDICT.sub("continue", part)) if at % 2 == 0 else part
        for at, part in enumerate(parts)
    ]
    written = "".join(plain)
    return (
        written.replace("policy continue", "policy accept")
        if written.strip().startswith("type ")
        else written
    )
