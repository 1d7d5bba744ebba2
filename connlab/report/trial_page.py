"""What a trial found as one page: its summary, and the files with their lines numbered. Pure: data in, HTML out.

The page needs nothing but itself: no script, no font, nothing from the network; its policy (CSP) forbids them as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connlab.report.page import template

LONGEST = 2000  # lines of a file on the page; all of it is beside the page


def trial_page(summary: Any, texts: Mapping[str, str], run: str, letters: str) -> str:
    """Write the page of a trial: `summary` has the parts of connlab/trial/answer/summary.py.

    `texts` has the files by their names, `letters` says what a letter of a dial means.
    """
    files = [
        (name, number, text.expandtabs().rstrip().split("\n"))
        for number, (name, text) in enumerate(texts.items(), 1)
    ]
    return template("trial.html").render(
        summary=summary,
        files=[(name, number, lines[:LONGEST], len(lines)) for name, number, lines in files],
        run=run,
        letters=letters,
        at=lambda where: _anchor(where, {name: number for name, number, _ in files}),
    )


def _anchor(where: str, numbers: Mapping[str, int]) -> str:
    """Name the place of `FILE:LINE` on the page, of one file `:LINE`; empty if it is none."""
    match = re.match(r"(.*):(\d+)", where)
    if match is None:
        return ""
    number = 1 if not match[1] and len(numbers) == 1 else numbers.get(match[1])
    return f"f{number}-{match[2]}" if number else ""
