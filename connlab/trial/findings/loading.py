"""What went wrong before any dial: lines that were never loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connlab.trial.files.forms import BOTH
from connlab.trial.files.lines import Line
from connlab.trial.files.others import NFT_TABLE
from connlab.trial.findings.evidence import Evidence, Finding, Kind

RESTORED = ("iptables-save", "ip6tables-save", BOTH, "ufw")


def loads_partly(evidence: Evidence) -> Iterator[Finding]:
    """Find files of which a call failed, or the end was not reached, though rules of theirs are in force."""
    for file in evidence.loaded.files:
        if file["loaded"] != "partly":
            continue
        first: dict[int | None, str] = {}
        for message in file["messages"]:
            first.setdefault(message["line"], message["text"])
        lines = [line for line in first if line]
        yield Finding(
            _what_failed(evidence, file, lines, first[next(iter(lines), None)]),
            None, Line(file["path"], lines[0]) if lines else None, f"exit status {file['exit']}",
        )  # fmt: skip


def _what_failed(evidence: Evidence, file: Mapping[str, Any], lines: Sequence[int], text: str) -> str:
    """Say which lines failed, and what else is not in force: what comes after the end of a script, or in a table."""
    if not lines:
        return f"only a part was loaded: {text}"
    if file["form"] in RESTORED:
        after = "what comes after it for the same tool" if file["form"] == BOTH else "what comes after it"
        return f"this was refused, so its table and {after} are not in force: {text}"
    told = next((told for brought, told in evidence.loaded.runs if brought.path == file["path"]), None)
    ended = told and told["status"] and told["calls"] and told["calls"][-1]["status"]
    then = f", then the script ended with status {file['exit']}" if ended else ""
    if len(lines) == 1:
        return f"this failed{then}: {text}"
    return f"lines {', '.join(map(str, lines[:-1]))} and {lines[-1]} failed{then}; line {lines[0]}: {text}"


def wipes_table(evidence: Evidence) -> Iterator[Finding]:
    """Find files that took rules of others away, where there were some."""
    for each in evidence.loaded.wiped:
        own = [table for table in each.tables if table != f"inet {NFT_TABLE}"]
        where = "everywhere" if len(own) < len(each.tables) else f"in {', '.join(own)}"
        yield Finding(
            f"loading it takes away the rules of others {where}", None,
            Line(each.file, each.line) if each.line else None, f"gone were those of {', '.join(each.tables)}",
        )  # fmt: skip


KINDS = (
    Kind(
        "loads-partly",
        "a tool refused a part of a file, or its script failed, and another part is in force",
        loads_partly,
    ),
    Kind(
        "wipes-table",
        "a text that does not name all chains of its table, or a script or nft text that flushes, takes away rules of"
        " others that were there before",
        wipes_table,
    ),
)
