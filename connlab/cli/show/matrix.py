"""The matrix of claims and kernels on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connlab.cli.show.terminal import coloured, console, new_table, strong
from connlab.kernels.archive import Kernel

WORDS = {"cannot_run": "not run"}


def listing(kernels: Sequence[Kernel]) -> None:
    """Print the kernels that there are, and which suite installs them."""
    table = new_table("kernel", "newest of")
    for kernel in kernels:
        table.add_row(kernel.release, ", ".join(kernel.default))
    console().print(table)


def table(matrix: Mapping[str, Any], sentences: Mapping[str, str], against: Sequence[str]) -> None:
    """Print each claim with a line a kernel: its verdict and its figures, or why there is none."""
    out = console()
    for claim, sentence in sentences.items():
        out.sentence(sentence, strong(f"{claim}  "))
        rows = new_table("kernel", "verdict", "measured")
        for cell in matrix["cells"]:
            if cell["claim"] == claim:
                verdict = coloured(WORDS.get(cell["verdict"], cell["verdict"]))
                rows.add_row(cell["kernel"], verdict, cell["words"] or cell["reason"])
        out.print(rows)
    for each in against:
        out.sentence(each, strong("otherwise than before  "))
