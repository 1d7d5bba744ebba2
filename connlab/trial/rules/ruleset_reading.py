"""A host's rules read from what its tools list; those that iptables made in its own words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from connlab.trial.rules.ruleset import Chain, ChainName, Rule, Ruleset, Set

HANDLE = re.compile(r"\s*# handle (\d+)\s*$")
COUNTER = re.compile(r"\bcounter packets (\d+) bytes \d+ ?")
OURS = ("connlab_trace", "connlab_track")
FAMILIES = {"iptables": "ip", "ip6tables": "ip6"}
SET = re.compile(r"^\t(?:set|map) (\S+) \{(.*?)^\t\}", re.MULTILINE | re.DOTALL)
LIMIT = re.compile(r"^\tlimit (\S+) \{[^\n]*\n\s*(.*?)\s*^\t\}", re.MULTILINE | re.DOTALL)
TABLE = re.compile(r"^table (\w+) (\S+) \{(.*?)^\}", re.MULTILINE | re.DOTALL)


def read(listing: Mapping[str, str]) -> Ruleset:
    """Read nft's list with handles; rules that iptables made get its own words for them, which nft's do not tell."""
    chains: dict[ChainName, Chain] = {}
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
    spoken = _in_iptables_words(rules, listing)
    return Ruleset(chains, spoken, _sets(listing["nft"]), listing, _limits(listing["nft"]))


def _sets(listing: str) -> dict[ChainName, Set]:
    found = {}
    for family, table, inside in TABLE.findall(listing):
        for name, body in SET.findall(inside):
            size, elements = _word(r"^\t\tsize (\d+)", body), _word(r"(?s)elements = \{(.*?)\}", body)
            dynamic = re.search(r"^\t\tflags .*dynamic", body, re.MULTILINE) is not None
            found[family, table, name] = Set(int(size) if size else None, dynamic, " ".join(elements.split()))
    return found


def _limits(listing: str) -> dict[ChainName, str]:
    return {
        (family, table, name): f"limit {' '.join(body.split())}"
        for family, table, inside in TABLE.findall(listing)
        for name, body in LIMIT.findall(inside)
    }


def _word(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    return match[1] if match else ""


def _blocks(listing: str) -> Iterator[tuple[ChainName, list[str]]]:
    """Yield each chain with its lines; a rule that nft broke is one line again."""
    family = table = ""
    chain: ChainName | None = None
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
    words: dict[ChainName, list[str]] = {}
    for tool, family in FAMILIES.items():
        table = ""
        for line in listing.get(tool, "").splitlines():
            if line.startswith("*"):
                table = line[1:].strip()
            elif match := re.match(r"(?:\[\d+:\d+\] )?-A (\S+)(.*)", line):
                words.setdefault((family, table, match[1]), []).append(f"-A {match[1]}{match[2]}")
    given: dict[ChainName, Iterator[str]] = {}
    counts: dict[ChainName, int] = {}
    for rule in rules:
        counts[rule.place[:3]] = counts.get(rule.place[:3], 0) + 1
    for chain, texts in words.items():
        if counts.get(chain) == len(texts):
            given[chain] = iter(texts)
    return [
        rule._replace(text=next(given[rule.place[:3]])) if rule.place[:3] in given else rule for rule in rules
    ]
