"""What is in force on a host, read from what its tools list: chains in their order, and the rules of each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

HANDLE = re.compile(r"\s*# handle (\d+)\s*$")
COUNTER = re.compile(r"\bcounter packets (\d+) bytes \d+ ?")
OURS = ("connlab_trace", "connlab_track")
FAMILIES = {"iptables": "ip", "ip6tables": "ip6"}

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


class Ruleset(NamedTuple):
    """All rules of a host, in the order of each chain."""

    chains: Mapping[tuple[str, str, str], Chain]
    rules: Sequence[Rule]

    def of(self, chain: tuple[str, str, str]) -> list[Rule]:
        """Return the rules of a chain, in their order."""
        return [rule for rule in self.rules if rule.place[:3] == chain]


def read(listing: Mapping[str, str]) -> Ruleset:
    """Read nft's list with handles; rules that iptables made get its own words for them, which nft's do not tell."""
    chains: dict[tuple[str, str, str], Chain] = {}
    rules: list[Rule] = []
    for chain, lines in _blocks(listing["nft"]):
        if chain[1] in OURS:
            continue
        hook = next((line for line in lines if line.startswith("type ")), "")
        chains[chain] = Chain(*chain, _word(r"hook (\w+)", hook), _word(r"policy (\w+)", hook))
        for line in lines:
            if (handle := HANDLE.search(line)) and not line.startswith("type "):
                packets = COUNTER.search(line)
                text = COUNTER.sub("counter " if packets else "", HANDLE.sub("", line))
                rules.append(Rule((*chain, int(handle[1])), text, int(packets[1]) if packets else None))
    return Ruleset(chains, _in_iptables_words(rules, listing))


def _word(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[1] if match else ""


def _blocks(listing: str) -> Iterator[tuple[tuple[str, str, str], list[str]]]:
    """Yield each chain with its lines; a rule that nft broke is one line again."""
    family = table = ""
    chain: tuple[str, str, str] | None = None
    lines: list[str] = []
    pending = ""
    for raw in listing.splitlines():
        line = raw.strip()
        if raw.startswith("table "):
            _, family, table, *_ = line.split()
        elif raw.startswith("\tchain "):
            chain, lines, pending = (family, table, line.split()[1]), [], ""
        elif raw.startswith("\t}"):
            if chain:
                yield chain, lines
            chain = None
        elif chain and line:
            if line.startswith("type ") and not pending:
                lines.append(line)
                continue
            pending = f"{pending} {line}".strip()
            if HANDLE.search(line):
                lines.append(pending)
                pending = ""


def _in_iptables_words(rules: Sequence[Rule], listing: Mapping[str, str]) -> list[Rule]:
    """Give the rules of a chain the words of iptables-save, where that lists as many for it."""
    words: dict[tuple[str, str, str], list[str]] = {}
    for tool, family in FAMILIES.items():
        table = ""
        for line in listing.get(tool, "").splitlines():
            if line.startswith("*"):
                table = line[1:].strip()
            elif match := re.match(r"(?:\[\d+:\d+\] )?-A (\S+)(.*)", line):
                words.setdefault((family, table, match[1]), []).append(f"-A {match[1]}{match[2]}")
    given: dict[tuple[str, str, str], Iterator[str]] = {}
    counts: dict[tuple[str, str, str], int] = {}
    for rule in rules:
        counts[rule.place[:3]] = counts.get(rule.place[:3], 0) + 1
    for chain, texts in words.items():
        if counts.get(chain) == len(texts):
            given[chain] = iter(texts)
    return [
        rule._replace(text=next(given[rule.place[:3]])) if rule.place[:3] in given else rule for rule in rules
    ]
