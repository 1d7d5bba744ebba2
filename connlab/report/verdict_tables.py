"""The tables of verdicts that pages carry between two markers: written by `make pages`, held against every run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from connlab.base.errors import LabError
from connlab.base.output import visible
from connlab.base.settings import HOME
from connlab.evidence.claims import FRONT_PAGE, ON_FRONT_PAGE, PAGES
from connlab.evidence.verdicts import NOT_RUN, Judgement

SOME = 3  # claims that a refusal names
BETWEEN = re.compile(r"(?<=<!-- verdicts: make pages -->\n).*?(?=<!-- /verdicts -->)", re.DOTALL)


def fill(rows: Sequence[Judgement]) -> list[Path]:
    """Write each family's table into its page and some rows into README.md, and return the pages.

    Raises `LabError`, and writes nothing, if a claim was not judged or a page has no place for its table; and if a page
    cannot be written.
    """
    if missing := [row.id for row in rows if row.verdict == NOT_RUN]:
        some = ", ".join(missing[:SOME]) + (", …" if missing[SOME:] else "")
        raise LabError(
            f"{len(missing)} of {len(rows)} claims were not judged", some, next_step="make test-all"
        )
    filled = {HOME / page: _filled(page, table(of_page, page)) for page, of_page in _by_page(rows).items()}
    for path, text in filled.items():
        try:
            path.write_text(text)
        except OSError as error:
            raise LabError(f"{path} cannot be written", error.strerror) from error
    return list(filled)


def table(rows: Sequence[Judgement], page: str = FRONT_PAGE) -> str:
    """Return rows in Markdown for this page; those of a setting are a matrix of settings and sides."""
    what = ["claim"]
    if rows[0].setting:
        what = ["setting", "side", "what people expect"]
    elif rows[0].rules:
        what = ["example", "what it is said to do"]
    heads = [*what, "who says so", "verdict", "measured"]
    lines = [f"{_judgement(row, page)} {_cell(row.evidence)} |" for row in rows]
    return "\n".join([f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", *lines, ""])


def contradictions(rows: Sequence[Judgement]) -> list[str]:
    """Return `page: claim` where a page says something else; figures are those of one run, and may differ.

    A family of which some claim was not judged says nothing of its pages.
    """
    partly = {row.family for row in rows if row.verdict == NOT_RUN}
    return [
        f"{page}: {row.id}"
        for page, of_page in _by_page(rows).items()
        for text in [(HOME / page).read_text()]
        for row in of_page
        if row.family not in partly and _judgement(row, page) not in text
    ]


def _by_page(rows: Sequence[Judgement]) -> dict[str, list[Judgement]]:
    families = {page: [row for row in rows if row.family == family] for family, page in PAGES.items()}
    return {FRONT_PAGE: [row for row in rows if row.id in ON_FRONT_PAGE], **families}


def _filled(page: str, new: str) -> str:
    text, places = BETWEEN.subn(lambda _: new, (HOME / page).read_text())
    if places != 1:
        raise LabError(f"{page} has {places} places for a table of verdicts, not 1")
    return text


def _judgement(row: Judgement, page: str) -> str:
    """All of a row but its figures; in the page of its family it has an anchor, so that others can link to it."""
    anchor = "" if page == FRONT_PAGE else f'<a id="{row.id}"></a>'
    of_what = f"{row.setting} | {row.side} | " if row.setting else ""
    of_what += f"[{row.rules}](documents/{row.rules}) | " if row.rules else ""
    return f"| {anchor}{of_what}{row.sentence} | {row.source} | **{row.verdict}** |"


def _cell(words: str) -> str:
    return visible(words).replace("|", r"\|").replace("<", "&lt;")
