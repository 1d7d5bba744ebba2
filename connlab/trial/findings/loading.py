"""What went wrong before any dial: lines that were never loaded."""

from __future__ import annotations

from collections.abc import Iterator

from connlab.trial.findings.evidence import Evidence, Finding, Kind
from connlab.trial.lines import Line
from connlab.trial.others import NFT_TABLE


def loads_partly(evidence: Evidence) -> Iterator[Finding]:
    """Find files of which a call failed, or the end was not reached, though rules of theirs are in force."""
    for file in evidence.loaded.files:
        if file["loaded"] != "partly":
            continue
        first: dict[int | None, str] = {}
        for message in file["messages"]:
            first.setdefault(message["line"], message["text"])
        if len(first) > 1:
            first.pop(None, None)
        for line, text in first.items():
            yield Finding(
                f"this was not loaded, all else was: {text}" if line else f"only a part was loaded: {text}",
                None, Line(file["path"], line) if line else None, f"exit status {file['exit']}",
            )  # fmt: skip


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
        "a tool refused a part of a file, or its script failed, and the rest is in force",
        loads_partly,
    ),
    Kind(
        "wipes-table",
        "a text that does not name all chains of its table, or a script or nft text that flushes, takes away rules of"
        " others that were there before",
        wipes_table,
    ),
)
