"""Verdicts: of claims, and of what each setting does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from connlab.base.output import visible
from connlab.cli.show.terminal import coloured, console, joined, pale, strong
from connlab.evidence.verdicts import Judgement

UNITS = ((1440, "d"), (60, "h"), (1, "min"))  # in minutes
BELOW = " " * 10  # where what belongs to a claim begins


def claims(rows: Sequence[Judgement]) -> None:
    """Print each claim, its verdict, what was measured, and by which test of which run."""
    out = console()
    for row in rows:
        _judgement(row)
        if row.evidence:
            fits = not out.is_terminal or len(BELOW + row.test) <= out.width
            test = row.test if fits else row.test.replace("::", " ::")
            out.sentence(pale(f"{test} ({age(row.run)})" if row.run else test), BELOW)


def effects(rows: Sequence[Judgement]) -> None:
    """Print what each setting does to each side: what people expect, the verdict, and what was measured."""
    for row in rows:
        _judgement(row)


def _judgement(row: Judgement) -> None:
    """Print a verdict with its claim, and what was measured below."""
    out, verdict = console(), coloured(f"{row.verdict:<8}")
    subject = joined(strong(row.setting), f", {row.side}: ") if row.setting else ""
    out.sentence(joined(subject, row.sentence, " ", pale(f"({row.source})")), joined(verdict, "  "))
    if row.evidence:
        out.sentence(visible(row.evidence), BELOW)


def age(run: str, now: datetime | None = None) -> str:
    """Say how long ago a run began, and its folder: `3 min ago, runs/2026-11-26T17-02-29.556713Z`."""
    try:
        start = datetime.strptime(run, "%Y-%m-%dT%H-%M-%S.%fZ").replace(tzinfo=UTC)
    except ValueError:  # a folder that somebody has renamed
        return run
    minutes = int(((now or datetime.now(UTC)) - start).total_seconds() // 60)
    size = next((f"{minutes // length} {unit}" for length, unit in UNITS if minutes >= length), "0 min")
    return f"{size} ago, runs/{run}"
