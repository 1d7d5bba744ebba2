"""docs/faults.md as data: what each verb says, and its exit status, while something is broken."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connlab.base.settings import HOME

PAGE = HOME / "docs" / "faults.md"


@dataclass(frozen=True)
class Cell:
    """What a verb owes a person: an exit status, and words that are on its standard output or error."""

    status: int
    words: tuple[str, ...]


def cells() -> dict[str, dict[str, Cell]]:
    """Read the page, by fault, then by verb. A cell of it is a number, and then words in backquotes."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    (_, *verbs), _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    verbs = [verb.strip("`") for verb in verbs]
    return {fault: {verb: _cell(text) for verb, text in zip(verbs, row, strict=True)} for fault, *row in rows}


def _cell(text: str) -> Cell:
    number = re.match(r"\d+", text)
    assert number, f"no exit status: {text!r}"
    return Cell(int(number[0]), tuple(re.findall(r"`([^`]+)`", text)))
