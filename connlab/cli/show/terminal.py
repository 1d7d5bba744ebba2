"""What every table has: where it goes, how it looks, and a colour for each word.

A string is words and nothing else, whoever wrote it: brackets are brackets, and what is not printable is shown
(connlab/base/output.py). Who wants a colour asks for it with `coloured`, `strong` or `pale` and joins the parts.
"""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from connlab.base.output import lines

TIGHT = (0, 1, 0, 0)  # a table's padding, in cells, where it is to fit into 80 columns
COLOURS = {
    "holds": "green", "refuted": "magenta", "depends": "yellow", "not run": "yellow",
    "in force": "green", "drift": "red", "unknown": "red",
    "running": "green", "established": "green", "applied": "green", "PASS": "green",
    "refused": "red", "exited": "red", "differs": "red", "FAIL": "red",
    "supported": "green", "needs CAP_NET_RAW": "yellow", "absent": "yellow", "WARN": "yellow", "timed_out": "yellow",
}  # fmt: skip


class Terminal(Console):
    """Standard output. Every string that is printed or put into a cell comes through `render_str`."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Return the string as text without markup, emoji or control characters."""
        options |= {"markup": False, "emoji": False, "highlight": False}
        return super().render_str(lines(text), **options)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as rich does; where that is no terminal, without the blanks that fill up a line of a table."""
        if self.is_terminal:
            super().print(*objects, **options)
            return
        with self.capture() as printed:
            super().print(*objects, **options)
        *whole, rest = printed.get().split("\n")
        self.file.write("".join(f"{line.rstrip(' ')}\n" for line in whole) + rest)
        self.file.flush()

    def on_broken_pipe(self) -> None:
        """Leave it to the command line, where rich would exit with 1."""
        raise BrokenPipeError

    def sentence(self, words: str | Text, head: str | Text = "") -> None:
        """Print words on a line; at a terminal it is broken between words, and goes on below the end of `head`."""
        if not self.is_terminal:
            self.print(joined(head, words), soft_wrap=True)
            return
        if not head:
            self.print(words)
            return
        grid = Table.grid()
        grid.add_column(width=joined(head).cell_len, no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(head, words)
        self.print(grid)


def console() -> Terminal:
    """Return standard output; wide when it is no terminal, because a wrapped line is no use to grep."""
    out = Terminal(highlight=False)
    return out if out.is_terminal else Terminal(highlight=False, width=240)


def progress_bar(label: str) -> Progress:
    """Return a bar on standard error that goes when its work is done; nothing where that is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def new_table(*columns: str) -> Table:
    """Return a table whose columns are so named, numbers where that starts with >; no word of a name is broken."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        words = name.lstrip(">")
        table.add_column(
            words, justify="right" if name.startswith(">") else "left", overflow="fold",
            min_width=max(map(len, words.split()), default=0),
        )  # fmt: skip
    return table


def styled(words: object, style: str) -> Text:
    """Words in a style of rich's: `bold`, `dim`, `red`."""
    return Text(lines(words), style)


def strong(words: object) -> Text:
    """Words in bold."""
    return styled(words, "bold")


def pale(words: object) -> Text:
    """Words that matter less."""
    return styled(words, "dim")


def coloured(word: str) -> Text:
    """Return a word of the lab in its colour, if it has one."""
    return styled(word, COLOURS.get(word.strip(), ""))


def joined(*parts: str | Text) -> Text:
    """One line of parts, each with its own colour."""
    return Text().join(part if isinstance(part, Text) else Text(lines(part)) for part in parts)
