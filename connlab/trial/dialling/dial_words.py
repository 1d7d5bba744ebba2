"""Dials in words: their letters as runs, how many got in, what the others saw."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from connlab.trial.hosts.observations import Dial


def pattern(letters: Sequence[str]) -> str:
    """Write letters as runs, in order: `E5 T3`."""
    return " ".join(f"{letter}{len(list(run))}" for letter, run in itertools.groupby(letters))


def letters(dials: Sequence[Dial]) -> list[str]:
    """Return the letters of dials."""
    return [dial.letter for dial in dials]


def got_in(dials: Sequence[Dial]) -> int | None:
    """How many got in before the first that did not; None if all did."""
    return next((number for number, dial in enumerate(dials) if dial.letter != "E"), None)


def refusal(dials: Sequence[Dial], *, dead: bool = False) -> str:
    """Say what those who did not get in saw: the first of them, and whether an ICMP error was followed by silence."""
    if dead:
        return "connected, then silence"
    kinds = [
        "silence" if dial.letter == "T" else "rst" if dial.letter == "D" else dial.refusal or "rst"
        for dial in dials
        if dial.letter != "E"
    ]
    if not kinds:
        return "none"
    if "icmp" in kinds:
        return "icmp, then silence" if "silence" in kinds else "icmp"
    return "silence" if kinds[0] == "silence" else "rst"
