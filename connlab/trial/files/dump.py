"""What a host has in force, as texts that load it anew: iptables' tables by its own saver, all others by nft."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

SAVERS = {"iptables": "ip", "ip6tables": "ip6"}
TABLE = re.compile(r"^table (\w+) (\S+) \{$.*?^\}$", re.MULTILINE | re.DOTALL)
SAVED_TABLE = re.compile(r"^\*(\w+)$", re.MULTILINE)


def texts(listing: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return tools and texts for namespaces/loading.py, of a listing with `stateless`, nft's without handles."""
    found = []
    saved = set()
    for tool, family in SAVERS.items():
        names = SAVED_TABLE.findall(listing[tool])
        if names:
            saved |= {(family, name) for name in names}
            found.append((tool, listing[tool]))
    by_nft = [text for name, text in _tables(listing["stateless"]) if name not in saved]
    if by_nft:
        found.append(("nft", "\n".join(by_nft) + "\n"))
    return found


def _tables(listing: str) -> Iterator[tuple[tuple[str, str], str]]:
    for match in TABLE.finditer(listing):
        yield (match[1], match[2]), match[0]
