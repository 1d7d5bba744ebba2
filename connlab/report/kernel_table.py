"""The table of kernels that docs/kernels.md carries between two markers: written by `make pages`."""

from __future__ import annotations

import re
from pathlib import Path

from connlab.base.errors import LabError
from connlab.base.output import visible
from connlab.base.settings import HOME
from connlab.evidence import matrices
from connlab.evidence.matrices import Matrix

PAGE = "docs/kernels.md"
BETWEEN = re.compile(r"(?<=<!-- kernels: make pages -->\n).*?(?=<!-- /kernels -->)", re.DOTALL)


def fill(home: Path = HOME) -> Path | None:
    """Write the newest matrix that nothing is left out of into the page, and return it; None if there is none.

    Raises `LabError` if the page has no place for it, or cannot be written.
    """
    found = matrices.newest(_is_whole, home)
    if found is None:
        return None
    run, matrix = found
    path = home / PAGE
    try:
        text, places = BETWEEN.subn(lambda _: table(matrix, run), path.read_text())
        if places != 1:
            raise LabError(f"{PAGE} has {places} places for a table of kernels, not 1")
        path.write_text(text)
    except OSError as error:
        raise LabError(f"{path} cannot be written", error.strerror) from error
    return path


def table(matrix: Matrix, run: str) -> str:
    """Return a matrix in Markdown: a row a kernel, a column a claim, and when it was measured."""
    cells = {(cell["kernel"], cell["claim"]): cell for cell in matrix["cells"]}
    claims = list(matrix["sentences"])
    lines = [f"| kernel | {' | '.join(f'`{claim}`' for claim in claims)} |", "|---" * (len(claims) + 1) + "|"]
    for row in matrix["kernels"]:
        name = f"{row['version']} (the engine's)" if row["where"] == "engine" else row["version"]
        entries = [cells[row["version"], claim] for claim in claims]
        words = [f"**{cell['verdict']}** {_cell(cell['words'] or cell['reason'])}" for cell in entries]
        lines.append(f"| {_cell(name)} | {' | '.join(words)} |")
    return "\n".join([*lines, "", f"Measured {run[:10]}.", ""])


def _is_whole(matrix: Matrix) -> bool:
    judged = {(cell["kernel"], cell["claim"]) for cell in matrix["cells"] if cell["verdict"] != "cannot_run"}
    asked = {(row["version"], claim) for row in matrix["kernels"] for claim in matrix["sentences"]}
    return bool(matrix["complete"] and asked) and asked <= judged


def _cell(words: str) -> str:
    return visible(words).replace("|", r"\|").replace("<", "&lt;")
