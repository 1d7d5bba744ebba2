"""The rules of a host and their packets, read from nft's list: in the laboratory a list of a thousand rules is long."""

from __future__ import annotations

import re
from typing import Any

QUOTED = re.compile(r"\"[^\"]*\"")
PACKETS = re.compile(r"\bcounter packets (\d+) ")
HANDLE = re.compile(r"# handle (\d+)$")


def rules(listing: str) -> list[list[Any]]:
    """Return [family, table, chain, handle, packets] of each rule, in the order of each chain; 0 without a counter."""
    found: list[list[Any]] = []
    family = table = chain = ""
    packets = 0
    for line in listing.splitlines():
        if line.startswith("table "):
            _, family, table, *_ = line.split()
        elif line.startswith("\tchain "):
            chain, packets = line.split()[1], 0
        elif line.startswith("\t}"):
            chain = ""
        elif chain and line.startswith("\t\t"):
            # A rule that is broken over lines has its handle on the last.
            plain = QUOTED.sub('""', line) if '"' in line else line
            if counter := PACKETS.search(plain):
                packets += int(counter[1])
            if handle := HANDLE.search(plain):
                found.append([family, table, chain, int(handle[1]), packets])
                packets = 0
    return found
