"""Claims and verdicts: read from a run's evidence, never from a constant."""

from __future__ import annotations

import json

import pytest

from lab import claims
from lab.errors import Usage
from lab.settings import HOME


def left(run, test: str, **verdict: str) -> None:
    """What a test leaves in a run's folder."""
    (run / test).mkdir()
    (run / test / "verdict.json").write_text(json.dumps({"test": f"tests/x.py::{test}", **verdict}))


def test_a_claim_whose_test_did_not_run_says_so(tmp_path):
    """An empty run judges nothing."""
    rows = list(claims.judged(tmp_path))
    assert [row.id for row in rows] == [claim.id for claim in claims.CLAIMS]
    assert {row.verdict for row in rows} == {"not run"}


def test_a_verdict_is_what_the_test_left(tmp_path):
    """With its evidence and the name of the test, without parameters and groups."""
    left(tmp_path, "test_five[x]@crowd", claim="type-five", verdict="refuted", evidence="it is SEQPACKET")
    (row,) = [row for row in claims.judged(tmp_path) if row.verdict != "not run"]
    assert (row.id, row.verdict, row.evidence, row.test) == (
        "type-five", "refuted", "it is SEQPACKET", "tests/x.py::test_five"
    )  # fmt: skip


def test_tests_that_differ_make_it_depend(tmp_path):
    """Their evidence says on what."""
    left(tmp_path, "test_a", claim="pool-bounds", verdict="holds", evidence="pool")
    left(tmp_path, "test_b", claim="pool-bounds", verdict="refuted", evidence="threads")
    (row,) = [row for row in claims.judged(tmp_path) if row.id == "pool-bounds"]
    assert (row.verdict, row.evidence) == ("depends", "pool; threads")


def test_a_verdict_on_no_claim_is_loud(tmp_path):
    """A test that names a claim wrongly would else be forgotten."""
    left(tmp_path, "test_a", claim="nobody-said-so", verdict="holds", evidence="")
    with pytest.raises(ValueError, match="nobody-said-so"):
        list(claims.judged(tmp_path))


def test_no_run_is_told():
    """Before the first `make test`."""
    with pytest.raises(Usage, match="next: make test"):
        claims.read("runs/never")


def test_a_page_that_says_otherwise_is_found(tmp_path):
    """Another verdict, or no row at all; the evidence is one run's and may differ."""
    left(tmp_path, "test_a", claim="type-five", verdict="refuted", evidence="now")
    rows = list(claims.judged(tmp_path))
    page = claims.in_markdown(rows)
    assert claims.contradictions(page.replace("now", "then"), rows) == []
    assert claims.contradictions(page.replace("refuted", "holds"), rows) == ["type-five"]
    assert claims.contradictions("", rows) == ["type-five"]


def test_the_readme_has_a_row_for_every_claim():
    """Once, each with a verdict; which one is held against each full run (tests/conftest.py)."""
    page = (HOME / "README.md").read_text()
    for claim in claims.CLAIMS:
        assert page.count(f"| {claim.sentence} | {claim.source} | **") == 1, claim.id


def test_every_claim_has_a_test():
    """A claim that no test carries could never be judged."""
    marked = "".join(path.read_text() for path in (HOME / "tests/experiments").glob("*.py"))
    assert [claim.id for claim in claims.CLAIMS if f'"{claim.id}"' not in marked] == []
