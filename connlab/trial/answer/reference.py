"""What the pages say of a word of an answer: a row of docs/kernel.md (`C03`), a finding or a verdict of docs/try.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from connlab.base import checkout
from connlab.base.errors import Unreadable
from connlab.base.settings import HOME

ROW = re.compile(r"[A-Z]\d\d")
PAGES = ("docs/kernel.md", "docs/try.md")


class Entry(NamedTuple):
    """A row of a page: the heading that it is below, and its cells after the first."""

    id: str
    page: str
    heading: str
    cells: list[str]


def entry(word: str) -> Entry | None:
    """Find the row of this id in the pages; None if there is none. Raises `NotFit` without a checkout."""
    wanted = word.upper() if ROW.fullmatch(word.upper()) else word.lower()
    return next((each for page in PAGES for each in _entries(page) if each.id == wanted), None)


def _entries(page: str) -> Iterator[Entry]:
    checkout.require(HOME)
    try:
        text = (HOME / page).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise Unreadable(HOME / page, error) from error
    heading, before = "", ""
    for line in text.splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("| ") and before.startswith("|"):  # the first row of a table is its head
            first, *rest = (cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("| \n")))
            yield Entry(first.strip("`*"), page, heading, rest)
        before = line
