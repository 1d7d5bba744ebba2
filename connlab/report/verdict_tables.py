"""The tables of verdicts that pages carry between two markers: written from one run, held against every run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from connlab.base.errors import LabError
from connlab.base.output import visible
from connlab.base.settings import HOME
from connlab.evidence.claims import PAGES
from connlab.evidence.verdicts import NOT_RUN, Judged

SOME = 3  # claims that a refusal names
BETWEEN = re.compile(r"(?<=<!-- verdicts: make pages -->\n).*?(?=<!-- /verdicts -->)", re.DOTALL)


def fill(rows: Sequence[Judged]) -> list[Path]:
    """Write each family's table into its page, and return the pages.

    Raises `LabError`, and writes nothing, if a claim was not judged or a page has no place for its table; and if a page
    cannot be written.
    """
    if missing := [row.id for row in rows if row.verdict == NOT_RUN]:
        some = ", ".join(missing[:SOME]) + (", …" if missing[SOME:] else "")
        raise LabError(
            f"this run did not judge {len(missing)} of {len(rows)} claims", some, next_step="make test"
        )
    filled = {
        HOME / page: _filled(page, [row for row in rows if row.family == family])
        for family, page in PAGES.items()
    }
    for path, text in filled.items():
        try:
            path.write_text(text)
        except OSError as error:
            raise LabError(f"{path} cannot be written", error.strerror) from error
    return list(filled)


def table(rows: Sequence[Judged]) -> str:
    """A family's rows in Markdown; those of a setting are a matrix of settings and sides."""
    what = ["setting", "side", "what people expect"] if rows[0].setting else ["claim"]
    heads = [*what, "who says so", "verdict", "measured"]
    lines = [f"{_judgement(row)} {_cell(row.evidence)} |" for row in rows]
    return "\n".join([f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", *lines, ""])


def contradictions(rows: Sequence[Judged]) -> list[str]:
    """Claims whose page says something else, of each family that was judged whole; figures are those of one run."""
    partly = {row.family for row in rows if row.verdict == NOT_RUN}
    text = {family: (HOME / page).read_text() for family, page in PAGES.items()}
    return [
        f"{PAGES[row.family]}: {row.id}"
        for row in rows
        if row.family not in partly and _judgement(row) not in text[row.family]
    ]


def _filled(page: str, rows: Sequence[Judged]) -> str:
    text, places = BETWEEN.subn(lambda _: table(rows), (HOME / page).read_text())
    if places != 1:
        raise LabError(f"{page} has {places} places for a table of verdicts, not 1")
    return text


def _judgement(row: Judged) -> str:
    of_what = f"| {row.setting} | {row.side} " if row.setting else ""
    return f"{of_what}| {row.sentence} | {row.source} | **{row.verdict}** |"


def _cell(words: str) -> str:
    return visible(words).replace("|", r"\|").replace("<", "&lt;")
