"""What was measured of a claim on one kernel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from connlab.base.model import Outcome, Verdict, tally

E, R = Outcome.ESTABLISHED, Outcome.REFUSED


class Cell(NamedTuple):
    """A verdict, the figures as data, and as words for a table."""

    verdict: Verdict
    figures: Mapping[str, Any]
    words: str


def holds(condition: bool) -> Verdict:
    """Return the verdict of a claim that says so."""
    return Verdict.HOLDS if condition else Verdict.REFUTED


def admitted(attempts: list[Any]) -> str:
    """Write what became of dials: 15/5 for 15 established and 5 refused, and how many hung."""
    counts = tally(attempts)
    others = len(attempts) - counts.get(E, 0) - counts.get(R, 0)
    return f"{counts.get(E, 0)}/{counts.get(R, 0)}" + (f", {others} silent" if others else "")
