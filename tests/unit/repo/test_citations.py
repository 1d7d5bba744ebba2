"""Citations: each row, section, decision and file that any text of the project names is there."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).parents[3]
FOLDERS = (
    "bench", "client", "connlab", "docs", "firewall", "probes", "server", "sysctl", "tests", ".ci", ".github",
)  # fmt: skip
NOT_OURS = {"requirements.lock", "LICENSE"}
ROW = re.compile(r"\b[A-Z][0-9]{2}\b")
# What became of dials, `E20 R10`; no row has an E or a D, and `"T12"` alone is dials as a text of its own.
DIALS = re.compile(
    r"\b[EDRT]\d+(?: [EDRT]\d+)+\b|\b[ED]\d+\b|\b[RT]\d+(?=, then|  )|(?P<quote>[\"'`])[EDRT]\d+(?P=quote)"
)
# `docs/design.md, decision 29`, `docs/kernel.md, "Epochs"`, `kernel.md §3.1`, `design.md, section 1`; also as a link.
SECTION = re.compile(
    r"([a-z-]+\.md)\)?,?\s+"
    r"(?:decision (?P<decision>\d+)|\"(?P<title>[^\"\n]+)\"|(?P<number>§ ?[\d.]+|section \d[\d.]*))"
)
FILE = re.compile(
    r"(?<![\w/.{])(?:" + "|".join(map(re.escape, FOLDERS)) + r")/[\w./-]+\.(?:md|py|rules|yaml|env)\b"
)
PAGE = re.compile(r"(?<![\w/.-])[\w-]+\.md\b")
LINK = re.compile(r"\]\(([^)\s:]+)\)")


@functools.cache
def texts() -> dict[str, str]:
    """Read every text file of the project by its path, without what tools made."""
    files = [path for path in HOME.iterdir() if path.is_file() and path.name != ".git"]
    files += [path for folder in FOLDERS for path in (HOME / folder).rglob("*") if path.is_file()]
    contents = {}
    for path in files:
        name = str(path.relative_to(HOME))
        if name not in NOT_OURS and "__pycache__" not in path.parts and path != Path(__file__):
            try:
                contents[name] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue  # captured packets, say
    return contents


@functools.cache
def page(name: str) -> str:
    """Return a page by its name, of docs/ or beside the README; empty if there is none."""
    return next((text for path, text in texts().items() if path in (name, f"docs/{name}")), "")


@functools.cache
def rows() -> frozenset[str]:
    """Return the rows that docs/kernel.md has."""
    return frozenset(re.findall(r"^\| \**([A-Z]\d\d)\** \|", page("kernel.md"), re.MULTILINE))


def row(text: str, _: Path) -> Iterator[str]:
    """Yield rows that docs/kernel.md does not have."""
    yield from set(ROW.findall(DIALS.sub("", text))) - rows()


def section(text: str, _: Path) -> Iterator[str]:
    """Yield decisions and headings that the page does not have; no page of ours has numbered sections."""
    for cited in SECTION.finditer(text):
        name, decision, title = cited[1], cited["decision"], cited["title"]
        there = rf"^{decision}\. " if decision else rf"^#+ {re.escape(title)}\b" if title else r"(?!)"
        if not re.search(there, page(name), re.MULTILINE):
            yield cited[0]


def file(text: str, where: Path) -> Iterator[str]:
    """Yield files and pages that are not there; `NAME` and `X` stand for any, and tests make files of their own."""
    for name in FILE.findall(text) if where.parts[0] != "tests" else ():
        if not (HOME / name).is_file() and not re.search(r"NAME|\b[A-Z]\b", name):
            yield name
    yield from (name for name in PAGE.findall(text) if not page(name))


def link(text: str, where: Path) -> Iterator[str]:
    """Yield links of a page to files, or to headings and anchors of pages, that are not there."""
    for target in LINK.findall(text) if where.suffix == ".md" else ():
        name, _, anchor = target.partition("#")
        path = (HOME / where.parent / name) if name else HOME / where
        if not path.exists() or (anchor and anchor not in anchors(path.read_text())):
            yield target


def anchors(text: str) -> set[str]:
    """Return the places of a page that a link can lead to: headings, as hosts of Git write them, and anchors."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    ours = set(re.findall(r'<a id="([^"]+)">', text))
    return ours | {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("broken", [row, section, file, link], ids=lambda function: function.__name__)
def test_what_is_cited_is_there(broken: Callable[[str, Path], Iterator[str]]) -> None:
    """A reader who follows a citation arrives."""
    wrong = {
        path: sorted(contents)
        for path, text in texts().items()
        if (contents := set(broken(text, Path(path))))
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        (row, "as measured (Z99)"), (row, "E20 R10, as R99 says"), (section, "(kernel.md §3.1)"),
        (section, "(design.md, section 1)"),
        (section, '(docs/design.md, "Profiles")'), (section, "([docs/design.md](docs/design.md), decision 99)"),
        (file, "see docs/nothing.md"), (file, "see nothing.md"), (file, "connlab/nothing.py"),
        (link, "[page](docs/nothing.md)"), (link, "[heading](README.md#nothing)"),
    ],
)  # fmt: skip
def test_a_citation_that_leads_nowhere_is_found(
    broken: Callable[[str, Path], Iterator[str]], text: str
) -> None:
    """The control: a search that finds nothing would agree with any text."""
    assert list(broken(text, Path("CONTRIBUTING.md"))) != []


def test_texts_of_every_kind_are_read() -> None:
    """Policies, profiles, programs of CI, tests and pages."""
    there = {
        "firewall/connlimit.rules", "sysctl/stock.yaml", ".ci/run", "compose.yaml", "README.md", "docs/kernel.md",
    }  # fmt: skip
    assert there < texts().keys()
    assert len(texts()) > 200
