"""Interfaces that have to be there: for rules that take one by its number, and for scripts that ask for an address."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from connlab.trial.files.forms import Input
from connlab.trial.rules.ruleset import Ruleset

SET = r"(?:!=\s*)?(\{[^}]*\}|\S+)"
NAMED = re.compile(
    r"(?:\b[io]if(?:name)?\s+\.[^{}\n]*|\.\s+[io]if(?:name)?\s[^{}\n]*|\belements\s*=\s*)(\{[^}]*\})"
    rf"|(?:\s-[io]|--(?:in|out)-interface|\b[io]if(?:name)?(?:\s+v?map)?|\bdev|\bdefine\s+\w+\s*=)\s+{SET}"
    rf"|^\s*(?:export\s+)?\w*(?:IF|DEV|WAN|LAN|NIC|ETH|EXT|INT)\w*={SET}",  # a variable of a script
    re.MULTILINE,
)
BY_INDEX = re.compile(r"\b[io]if (?:!= |v?map )?(\{[^}]*\}|\"[^\"]*\")")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,14}")
MOST = 32
DEFAULT = "eth0"
RESERVED = {"lo", "all", "default"}  # there already, or no names for an interface (/proc/sys/net/ipv4/conf)


def named_interfaces(inputs: Sequence[Input]) -> list[str]:
    """Find what texts may mean by the names of interfaces; one that is none does no harm."""
    return _names(NAMED, [each.text for each in inputs])[:MOST] or [DEFAULT]


def by_index(ruleset: Ruleset) -> list[str]:
    """Return those without which rules cannot be loaded: nft's `iif` and `oif` are numbers of interfaces."""
    return _names(BY_INDEX, [ruleset.words(rule) for rule in ruleset.rules])


def _names(pattern: re.Pattern[str], texts: Iterable[str]) -> list[str]:
    return list(
        dict.fromkeys(name for text in texts for name in _words(pattern, text) if name not in RESERVED)
    )


def _words(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    for match in pattern.finditer(text):
        found = next(group for group in match.groups() if group)
        yield from (word for word in re.split(r"[{},;\s\"']+", found) if NAME.fullmatch(word))
