"""Interfaces that rules name, by which a packet may come in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

# How iptables-save and nft write what a packet must have; lists with commas or braces.
NFT_NAMES = r"(\{[^}]*\}|\"[^\"]*\")"  # of interfaces; nft lists each in quotes
INTERFACES = re.compile(rf"(?:-i|--in-interface) (\S+)|\biif(?:name)? (?:!= |v?map )?{NFT_NAMES}")
NO_INTERFACE = re.compile(rf"! (?:-i|--in-interface) (\S+)|\biif(?:name)? != {NFT_NAMES}")
NO_NAME = re.compile(r"[/:\s]|^\.{0,2}$|^[+*]$")  # what no interface is called, or any
LONGEST_NAME = 15
NOT_OF_A_CLIENT = {"lo", "all", "default"}
VALUES = re.compile(r" : [^,}]*")  # of a map
OTHER_INTERFACES = ("eth0", "net0", "other0")


def words(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    """Yield what a pattern finds in a rule, each of a list by itself."""
    for match in pattern.finditer(text):
        found = next(group for group in match.groups() if group)
        yield from (word for word in re.split(r"[{},\s]+", found) if word)


def interfaces(text: str) -> list[str]:
    """Return the names of interfaces by which a packet may come in; one for a name with a wildcard."""
    found = [word.strip('"') for word in words(INTERFACES, VALUES.sub("", text))]
    names = [re.sub(r"[+*]$", "0", word) for word in found if not NO_NAME.search(word)]
    return [name for name in names if name not in NOT_OF_A_CLIENT and len(name) <= LONGEST_NAME]


def all_interfaces(texts: Sequence[str]) -> list[str]:
    """Return the names of interfaces; one that nobody names too, where rules are about all but some."""
    names = list(dict.fromkeys(name for text in texts for name in interfaces(text)))
    but_some = any(
        name.strip('"') not in NOT_OF_A_CLIENT for text in texts for name in words(NO_INTERFACE, text)
    )
    return [*names, next(name for name in OTHER_INTERFACES if name not in names)] if but_some else names
