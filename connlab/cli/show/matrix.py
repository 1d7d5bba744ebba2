"""The matrix of claims and kernels on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connlab.cli.show.terminal import coloured, console, new_table, strong
from connlab.kernels.archive import Kernel

WORDS = {"cannot_run": "not run"}


def listing(kernels: Sequence[Kernel]) -> None:
    """Print the kernels that there are, and whose newest they are."""
    table = new_table("kernel", "of")
    for kernel in kernels:
        table.add_row(kernel.release, "the engine's own" if kernel.own else ", ".join(kernel.default))
    console().print(table)


def table(matrix: Mapping[str, Any]) -> None:
    """Print each claim with what was measured, and on which kernels; those that are alike are one line."""
    out = console()
    names = {row["version"]: _name(row) for row in matrix["kernels"]}
    for claim, sentence in matrix["sentences"].items():
        out.sentence(sentence, strong(f"{claim}  "))
        kernels: dict[tuple[str, str], list[str]] = {}
        for cell in matrix["cells"]:
            if cell["claim"] == claim:
                words = cell["words"] or cell["reason"]
                kernels.setdefault((cell["verdict"], words), []).append(names[cell["kernel"]])
        rows = new_table("verdict", "measured", "kernels")
        for (verdict, words), alike in kernels.items():
            rows.add_row(coloured(WORDS.get(verdict, verdict)), words, ", ".join(alike))
        out.print(rows)
    for each in matrix["contradictions"]:
        out.sentence(each, strong("otherwise than before  "))


def _name(row: Mapping[str, str]) -> str:
    return f"{row['version']} (the engine's)" if row["where"] == "engine" else row["version"]
