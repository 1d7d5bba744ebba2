"""Kernel settings of a trial: each line with its verdicts, the values, and what is known of the key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connlab.cli.show.terminal import Terminal, coloured, joined, pale


def settings(out: Terminal, entries: Sequence[Mapping[str, Any]]) -> None:
    """Print each line: what it comes to first."""
    several = len({entry["file"] for entry in entries}) > 1
    for entry in entries:
        where = f"{entry['file']}:{entry['line']}" if several else f"{entry['line']}"
        verdict = [part for word in entry["verdict"] for part in (", ", coloured(word))][1:]
        out.print(joined(f"{where}  {entry['key']} = {entry['asked']}  ", *verdict))
        out.sentence(pale(f"{_values(entry)}{entry['text']}"), " " * (len(where) + 2))


def _values(entry: Mapping[str, Any]) -> str:
    if entry["before"] is None:
        return ""
    return f"{entry['before']} before, {entry['after']} after; "
