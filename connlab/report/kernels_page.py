"""A matrix of claims and kernels as one page. Pure: evidence in, HTML out.

The page needs nothing but itself: no script, no font, nothing from the network; its policy (CSP) forbids them as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connlab.report.page import template

WORDS = {"cannot_run": "not run"}


def kernels_page(matrix: Mapping[str, Any], run: str) -> str:
    """Write the page: a row a kernel, a column a claim, in each cell what was measured, or why nothing was."""
    cells = {(cell["kernel"], cell["claim"]): cell for cell in matrix["cells"]}
    machine = matrix["machine"]
    return template("kernels.html").render(
        run=run,
        machine=f"engine's kernel {machine['kernel']}, Docker {machine['engine']['Version']}",
        sentences=matrix["sentences"],
        rows=[
            (row, [(claim, cells.get((row["version"], claim))) for claim in matrix["sentences"]])
            for row in matrix["kernels"]
        ],
        contradictions=matrix["contradictions"],
        words=WORDS,
    )
