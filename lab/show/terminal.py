"""What every table has: where it goes, how it looks, and a colour for each word."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

COLOURS = {
    "holds": "green", "refuted": "red", "depends": "yellow", "not run": "yellow",
    "running": "green", "established": "green", "applied": "green", "PASS": "green",
    "refused": "red", "exited": "red", "differs": "red", "FAIL": "red",
    "supported": "green", "needs CAP_NET_RAW": "yellow", "absent": "yellow", "WARN": "yellow", "timed_out": "yellow",
}  # fmt: skip


def console() -> Console:
    """Standard output; wide when it is no terminal, because a wrapped line is no use to grep."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=240)


def new_table(*columns: str) -> Table:
    """Columns whose name starts with > are numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(
            name.lstrip(">"), justify="right" if name.startswith(">") else "left", overflow="fold"
        )
    return table


def coloured(word: str) -> str:
    """A word of the lab in its colour, if it has one."""
    colour = COLOURS.get(word.strip())
    return f"[{colour}]{word}[/]" if colour else word
