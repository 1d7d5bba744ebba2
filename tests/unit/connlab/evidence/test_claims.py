"""Claims and verdicts: read from a run's evidence, never from a constant."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from connlab.base.errors import LabError, Unreadable, Usage
from connlab.base.settings import HOME
from connlab.cli.show import judging
from connlab.evidence import claims, verdicts
from connlab.report import verdict_tables


def write_verdict(run, test: str, **verdict: str) -> None:
    """Write a verdict as a test leaves it in a run's folder."""
    (run / test).mkdir()
    (run / test / "verdict.json").write_text(json.dumps({"test": f"tests/x.py::{test}", **verdict}))


def test_a_claim_whose_test_did_not_run_says_so(tmp_path):
    """An empty run judges nothing."""
    rows = list(verdicts.judgements(tmp_path))
    assert [row.id for row in rows] == [claim.id for claim in claims.CLAIMS]
    assert {row.verdict for row in rows} == {"not run"}


def test_a_verdict_is_what_the_test_left(tmp_path):
    """With its evidence and the name of the test, without parameters and groups."""
    write_verdict(
        tmp_path, "test_five[x]@crowd", claim="type-five", verdict="refuted", evidence="it is SEQPACKET"
    )
    (row,) = [row for row in verdicts.judgements(tmp_path) if row.verdict != "not run"]
    assert (row.id, row.verdict, row.evidence, row.test) == (
        "type-five", "refuted", "it is SEQPACKET", "tests/x.py::test_five"
    )  # fmt: skip


def test_tests_that_differ_make_it_depend(tmp_path):
    """Their evidence says on what."""
    write_verdict(tmp_path, "test_a", claim="pool-bounds", verdict="holds", evidence="pool")
    write_verdict(tmp_path, "test_b", claim="pool-bounds", verdict="refuted", evidence="threads")
    (row,) = [row for row in verdicts.judgements(tmp_path) if row.id == "pool-bounds"]
    assert (row.verdict, row.evidence) == ("depends", "pool; threads")


def test_a_verdict_on_no_claim_is_loud(tmp_path):
    """A test that names a claim wrongly would else be forgotten."""
    write_verdict(tmp_path, "test_a", claim="nobody-said-so", verdict="holds", evidence="")
    with pytest.raises(Unreadable, match=r"test_a/verdict\.json: a verdict on 'nobody-said-so'"):
        list(verdicts.judgements(tmp_path))


@pytest.mark.parametrize(
    "damaged",
    [
        b"", b"{", b'{"claim": "type-five"', b"\xff\xfe", b"[]", b"7", b"null", b'"type-five"', b"[" * 100_000, b"{}\0",
        b'{"claim": "type-five", "verdict": "refuted", "evidence": "e"}',
        b'{"claim": "type-five", "verdict": "proven", "evidence": "e", "test": "t"}',
        b'{"claim": ["type-five"], "verdict": "holds", "evidence": "e", "test": "t"}',
        b'{"claim": "type-five", "verdict": "holds", "evidence": 7, "test": "t"}',
        b'{"claim": "type-five", "verdict": "holds", "evidence": "e", "test": null}', ...,
    ],
)  # fmt: skip
def test_a_file_that_is_no_verdict_is_named(tmp_path, damaged):
    """Cut short by a full disk, somebody else's, or a folder: the file and why, in every verb that reads it."""
    path = tmp_path / "test_a" / "verdict.json"
    path.parent.mkdir()
    path.mkdir() if damaged is ... else path.write_bytes(damaged)
    with pytest.raises(Unreadable, match=r"test_a/verdict\.json: \S+"):
        verdicts.read(str(tmp_path))


def test_no_run_is_told():
    """Before the first `make test`."""
    with pytest.raises(Usage, match="next: make test"):
        verdicts.read("runs/never")


PAGES = (claims.FRONT_PAGE, *claims.PAGES.values())


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Make a checkout with each page that has a table, and no table in them yet."""
    for page in PAGES:
        path = tmp_path / "home" / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# A page\n\n<!-- verdicts: make pages -->\n<!-- /verdicts -->\n\nmore\n")
    monkeypatch.setattr(verdict_tables, "HOME", tmp_path / "home")
    return tmp_path / "home"


def judge_all(run) -> list[verdicts.Judgement]:
    for claim in claims.CLAIMS:
        write_verdict(run, f"test_{claim.id}", claim=claim.id, verdict="refuted", evidence="now | then")
    return list(verdicts.judgements(run))


def test_a_run_is_written_into_the_pages(home, tmp_path):
    """Between the markers; the rest stays, and a second run takes the place of the first."""
    rows = judge_all(tmp_path)
    assert verdict_tables.fill(rows) == [home / page for page in PAGES]
    first = [(home / page).read_text() for page in PAGES]
    assert verdict_tables.contradictions(rows) == []
    counts = [text.count("| **refuted** | now \\| then |") for text in first]
    assert (counts[0], sum(counts[1:])) == (len(claims.ON_FRONT_PAGE), len(rows))
    assert all(
        text.startswith("# A page\n") and text.endswith("<!-- /verdicts -->\n\nmore\n") for text in first
    )
    verdict_tables.fill(rows)
    assert [(home / page).read_text() for page in PAGES] == first


def test_half_a_run_is_not_written(home, tmp_path):
    """Nor is a page whose place is gone: everything stays as it was."""
    write_verdict(tmp_path, "test_a", claim="type-five", verdict="refuted", evidence="")
    with pytest.raises(
        LabError, match=r"\d+ of \d+ claims were not judged: backlog-limits-connections, .*, …\n"
    ):
        verdict_tables.fill(list(verdicts.judgements(tmp_path)))
    (tmp_path / "test_a/verdict.json").unlink()
    (tmp_path / "test_a").rmdir()
    (home / "docs/time-wait.md").write_text("# No place\n")
    with pytest.raises(LabError, match=r"time-wait\.md has 0 places"):
        verdict_tables.fill(judge_all(tmp_path))
    assert "refuted" not in (home / "README.md").read_text()


def test_a_page_that_says_otherwise_is_found(home, tmp_path):
    """Another verdict, or no row at all; the figures are one run's and may differ."""
    rows = judge_all(tmp_path)
    assert len(verdict_tables.contradictions(rows)) == len(rows) + len(claims.ON_FRONT_PAGE)
    verdict_tables.fill(rows)
    for page in PAGES:
        (home / page).write_text((home / page).read_text().replace("now", "later"))
    assert verdict_tables.contradictions(rows) == []
    for page, claim in (("README.md", "pool-bounds"), ("docs/claims.md", "type-five")):
        text = (home / page).read_text()
        sentence = next(row.sentence for row in rows if row.id == claim)
        (home / page).write_text(text.replace(f"{sentence} | the article | **refuted**", "no"))
    assert verdict_tables.contradictions(rows) == ["README.md: pool-bounds", "docs/claims.md: type-five"]


def test_half_a_run_contradicts_nothing(home, tmp_path):
    """A family of which one claim was not judged says nothing of its page; the others do."""
    sockets = [row for row in judge_all(tmp_path) if row.family == claims.SOCKETS]
    (tmp_path / "test_type-five/verdict.json").unlink()
    wrong = verdict_tables.contradictions(list(verdicts.judgements(tmp_path)))
    assert len(wrong) == len(claims.CLAIMS) - len(sockets)
    assert {name.partition(":")[0] for name in wrong} == {"docs/time-wait.md", "docs/documents.md"}


@pytest.mark.parametrize("claim", claims.CLAIMS, ids=lambda claim: claim.id)
def test_a_page_has_a_row_for_every_claim(claim):
    """Once, with a verdict; which one is held against each full run (tests/conftest.py)."""
    of_what = f"{claim.setting} | {claim.side} | " if claim.setting else ""
    of_what += f"[{claim.rules}](documents/{claim.rules}) | " if claim.rules else ""
    row = f"{of_what}{claim.sentence} | {claim.source} | **"
    page = (HOME / claims.PAGES[claim.family]).read_text()
    assert page.count(f'\n| <a id="{claim.id}"></a>{row}') == 1
    assert (HOME / "README.md").read_text().count(f"\n| {row}") == (claim.id in claims.ON_FRONT_PAGE)


def test_an_effect_has_a_setting_and_a_side():
    """The matrix has no blank cell."""
    effects = [claim for claim in claims.CLAIMS if claim.family == claims.TIME_WAIT]
    assert len(effects) > 20
    assert {claim.side for claim in effects} == {"server", "client", "both"}
    assert all(claim.setting for claim in effects)


def test_each_example_is_a_file_that_a_claim_is_about():
    """None is judged without its text, and none lies there unjudged."""
    examples = [claim.rules for claim in claims.CLAIMS if claim.family == claims.DOCUMENTS]
    assert sorted(examples) == sorted(path.name for path in (HOME / "docs/documents").iterdir())


def test_the_table_of_documents_leads_to_the_examples(tmp_path):
    """A column for what is judged, before what is said of it."""
    write_verdict(tmp_path, "test_a", claim="badguy", verdict="holds", evidence="dropped")
    rows = [row for row in verdicts.judgements(tmp_path) if row.family == claims.DOCUMENTS]
    lines = verdict_tables.table(rows).splitlines()
    assert lines[0] == "| example | what it is said to do | who says so | verdict | measured |"
    assert (
        "| [recent-badguy.rules](documents/recent-badguy.rules) | Who tries port 139 has all further packets dropped"
        " | iptables-extensions(8) | **holds** | dropped |" in lines
    )


def test_the_matrix_has_a_line_for_each_effect(tmp_path):
    """Also for one that did not run, which says so."""
    write_verdict(tmp_path, "test_a", claim="reuse-server", verdict="refuted", evidence="no effect")
    rows = [row for row in verdicts.judgements(tmp_path) if row.setting]
    lines = verdict_tables.table(rows).splitlines()
    assert len(lines) == 2 + len(rows)
    assert (
        "| tcp_tw_reuse=1 | server | There are fewer TIME_WAIT sockets, or for less time | the article | **refuted**"
        " | no effect |" in lines
    )
    assert sum("**not run**" in line for line in lines) == len(rows) - 1


def test_every_claim_has_a_test():
    """A claim that no test carries could never be judged."""
    folders = ("tests/experiments", "tests/time_wait", "tests/trial")
    marked = "".join(path.read_text() for folder in folders for path in (HOME / folder).glob("*.py"))
    assert [claim.id for claim in claims.CLAIMS if f'"{claim.id}"' not in marked] == []


def test_the_article_page_leads_to_each_of_its_claims():
    """docs/article.md links to the verdict on every sentence of the article, and to no other claim."""
    linked = set(re.findall(r"\]\([\w-]+\.md#([\w-]+)\)", (HOME / "docs/article.md").read_text()))
    assert linked == {claim.id for claim in claims.CLAIMS if claim.source == claims.ARTICLE}


@pytest.fixture
def checkout(tmp_path):
    """Make a checkout and three runs: the oldest judged every claim, the newest one of its tests again."""
    (tmp_path / "tests").mkdir()
    names = [f"test_{claim.id}" for claim in claims.CLAIMS]
    (tmp_path / "tests/x.py").write_text(
        "".join(f"def {name}(): ...\n" for name in [*names, "test_b", "test_c"])
    )
    for run in ("2026-01-01T00-00-00.000000Z", "2026-01-02T00-00-00.000000Z", "2026-01-03T00-00-00.000000Z"):
        (tmp_path / "runs" / run).mkdir(parents=True)
    oldest, middle, latest = sorted((tmp_path / "runs").iterdir())
    for claim in claims.CLAIMS:
        write_verdict(oldest, f"test_{claim.id}", claim=claim.id, verdict="holds", evidence="old")
    write_verdict(middle, "test_type-five@crowd", claim="type-five", verdict="refuted", evidence="newer")
    write_verdict(latest, "test_b", claim="pool-bounds", verdict="refuted", evidence="another test")
    write_verdict(
        latest, "test_gone", claim="one-at-a-time", verdict="refuted", evidence="of a test that is gone"
    )
    write_verdict(latest, "test_c", claim="nobody-says-so-any-more", verdict="refuted", evidence="")
    (tmp_path / "runs/latest").symlink_to(latest.name)
    return tmp_path


def test_verdicts_accumulate(checkout):
    """The newest of each test, with its run; one test does not make the other claims `not run`."""
    rows = {row.id: row for row in verdicts.newest_judgements(checkout)}
    shown = {name: (row.verdict, row.evidence, row.run[:10]) for name, row in rows.items()}
    assert list(rows) == [claim.id for claim in claims.CLAIMS]
    assert shown.pop("type-five") == ("refuted", "newer", "2026-01-02")
    assert shown.pop("pool-bounds") == ("depends", "another test; old", "2026-01-01")
    assert set(shown.values()) == {("holds", "old", "2026-01-01")}


def test_it_looks_back_to_a_whole_run(checkout):
    """What is older than that says nothing."""
    older = checkout / "runs/2025-12-31T00-00-00.000000Z"
    older.mkdir()
    write_verdict(older, "test_c", claim="type-five", verdict="holds", evidence="very old")
    assert {row.verdict for row in verdicts.newest_judgements(checkout) if row.id == "type-five"} == {
        "refuted"
    }


def test_before_the_first_run_no_claim_is_judged(tmp_path):
    """Each is there all the same, so that a fresh clone shows what is claimed."""
    rows = verdicts.newest_judgements(tmp_path)
    assert [row.id for row in rows] == [claim.id for claim in claims.CLAIMS]
    assert {row.verdict for row in rows} == {verdicts.NOT_RUN}


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("2026-01-03T11-59-30.000000Z", "0 min ago, runs/2026-01-03T11-59-30.000000Z"),
        ("2026-01-03T11-00-30.000000Z", "59 min ago, runs/2026-01-03T11-00-30.000000Z"),
        ("2026-01-02T12-30-00.000000Z", "23 h ago, runs/2026-01-02T12-30-00.000000Z"),
        ("2025-12-31T12-00-00.000000Z", "3 d ago, runs/2025-12-31T12-00-00.000000Z"),
        ("renamed", "renamed"),
    ],
)
def test_a_verdict_has_an_age(run, words):
    """How long ago its run began, and where it is."""
    assert judging.age(run, datetime(2026, 1, 3, 12, tzinfo=UTC)) == words
