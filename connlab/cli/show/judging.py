"""Verdicts: of claims, and of what each setting does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich import box
from rich.table import Table

from connlab.base.output import visible
from connlab.cli.show.terminal import coloured, console, joined, pale
from connlab.evidence.verdicts import Judgement

UNITS = ((1440, "d"), (60, "h"), (1, "min"))  # in minutes
BELOW = " " * 10  # where what belongs to a claim begins


def claims(rows: Sequence[Judgement]) -> None:
    """Print each claim, its verdict, and what was measured; at a terminal as wide as that is."""
    out = console()
    for row in rows:
        verdict = coloured(f"{row.verdict:<8}")
        out.sentence(joined(row.sentence, " ", pale(f"({row.source})")), joined(verdict, "  "))
        if row.evidence:
            out.sentence(visible(row.evidence), BELOW)
            fits = not out.is_terminal or len(BELOW + row.test) <= out.width
            test = row.test if fits else row.test.replace("::", " ::")
            out.sentence(pale(f"{test} ({age(row.run)})" if row.run else test), BELOW)


def age(run: str, now: datetime | None = None) -> str:
    """Say how long ago a run began, and its folder: `3 min ago, runs/2026-11-26T17-02-29.556713Z`."""
    try:
        start = datetime.strptime(run, "%Y-%m-%dT%H-%M-%S.%fZ").replace(tzinfo=UTC)
    except ValueError:  # a folder that somebody has renamed
        return run
    minutes = int(((now or datetime.now(UTC)) - start).total_seconds() // 60)
    size = next((f"{minutes // length} {unit}" for length, unit in UNITS if minutes >= length), "0 min")
    return f"{size} ago, runs/{run}"


def effects(rows: Sequence[Judgement]) -> None:
    """Print the matrix: a line for each setting and side, with what was measured beside what people expect."""
    out = console()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_lines=True)
    for name, share in (
        ("setting", 5),
        ("side", 2),
        ("what people expect", 8),
        ("what was measured", 14),
        ("verdict", 3),
    ):
        table.add_column(name, ratio=share, overflow="fold")
    setting = ""
    for row in rows:
        table.add_row("" if row.setting == setting else row.setting, row.side, row.sentence,
                      visible(row.evidence) or "-", coloured(row.verdict))  # fmt: skip
        setting = row.setting
    out.print(table)
