"""What is wrong with this machine: the rows of `lab doctor`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connlab.cli.show.terminal import coloured, console, joined


def checks(rows: Sequence[Mapping[str, str]]) -> None:
    """Print the lines of `lab doctor`, each with a fix where one is needed."""
    out = console()
    for row in rows:
        out.sentence(f"{row['name']} - {row['detail']}", joined(coloured(f"{row['result']:<4}"), "  "))
        if row["fix"]:
            out.sentence(row["fix"], "      fix: ")
