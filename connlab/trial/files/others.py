"""Rules of others, for a host that is not empty: what a file takes away of them when it is loaded there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from connlab.trial.files.forms import Input
from connlab.trial.files.restore_text import BUILT_IN

MARK = "connlab-others"
NFT_TABLE = "connlab_others"
FLUSHES = re.compile(r"^\s*(?:[^#\n]*[;{])?\s*(?:flush|delete|destroy|reset)\s", re.MULTILINE)
TAKES_AWAY = {"-F", "--flush", "-X", "--delete-chain", "-D", "--delete", "flush", "delete", "destroy"}
NO_FLUSH = {"-n", "--noflush"}


class Wiped(NamedTuple):
    """What a file took away of others: by which line, and of which tables, as `ip filter`."""

    file: str
    line: int | None
    tables: Sequence[str]


def texts() -> list[dict[str, str]]:
    """Return texts that give each chain that the kernel calls a rule of somebody else's, and nft a table."""
    saved = "".join(
        f"*{table}\n{''.join(f'-A {chain} -m comment --comment {MARK}{chr(10)}' for chain in chains)}COMMIT\n"
        for table, chains in BUILT_IN.items()
    )
    return [
        {"tool": "iptables-beside", "text": saved},
        {"tool": "ip6tables-beside", "text": saved},
        {
            "tool": "nft",
            "text": f'table inet {NFT_TABLE} {{\n chain c {{\n counter comment "{MARK}"\n }}\n}}\n',
        },
    ]


def gone(listing: Mapping[str, str]) -> list[str]:
    """Return the tables that have lost rules of others: `ip filter`, `inet connlab_others`."""
    lost = []
    for tool, family in (("iptables", "ip"), ("ip6tables", "ip6")):
        marked = _marked(listing[tool])
        lost += [
            f"{family} {table}" for table, chains in BUILT_IN.items() if marked.get(table, 0) < len(chains)
        ]
    if f"table inet {NFT_TABLE}" not in listing["nft"] or f'comment "{MARK}"' not in listing["nft"]:
        lost.append(f"inet {NFT_TABLE}")
    return lost


def unnamed_chains(text: str) -> tuple[int, str, list[str]] | None:
    """Find the first table of a restore text that does not name all chains that the kernel calls: line, name, they."""
    found: dict[str, tuple[int, set[str]]] = {}
    table = ""
    for number, line in enumerate(text.split("\n"), 1):
        if match := re.match(r"\s*\*(\w+)\s*$", line):
            table = match[1]
            found.setdefault(table, (number, set()))
        elif table and (match := re.match(r"\s*:(\S+)\s", line)):
            found[table][1].add(match[1])
    for table, (number, named) in found.items():
        if missing := [chain for chain in BUILT_IN.get(table, ()) if chain not in named]:
            return number, table, missing
    return None


def flushing_line(text: str) -> int | None:
    """Find the first line of an nft script that takes something away."""
    match = FLUSHES.search(text)
    return text.count("\n", 0, match.end()) + 1 if match else None


def takes_away(call: Mapping[str, Any]) -> bool:
    """Tell whether a call of a script takes rules away: by its words, or as iptables-restore does without `-n`."""
    words = set(call["words"])
    if call["tool"].endswith("-restore"):
        return not NO_FLUSH & words and unnamed_chains(call["input"]) is not None
    return bool(TAKES_AWAY & words) or (
        call["tool"].startswith("nft") and bool(FLUSHES.search(call["input"]))
    )


def wiped(brought: Input, line: int | None, listing: Mapping[str, str]) -> Iterator[Wiped]:
    """Judge a file by what is in force after it was loaded beside rules of others."""
    if tables := gone(listing):
        yield Wiped(brought.path, line, tables)


def _marked(saved: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    table = ""
    for each in saved.splitlines():
        if each.startswith("*"):
            table = each[1:].strip()
        elif MARK in each and re.match(r"(?:\[\d+:\d+\] )?-A ", each):
            counts[table] = counts.get(table, 0) + 1
    return counts
