"""Findings, each of a trial that is written here by hand."""

from __future__ import annotations

import re

from connlab.base.settings import HOME
from connlab.trial.findings import KINDS
from connlab.trial.vocabulary import FINDINGS


def test_the_page_has_the_definition_of_each_kind():
    """Word for word, in the order in which findings are told."""
    page = (HOME / "docs/try.md").read_text(encoding="utf-8")
    table = page.split("| id | it is said when |\n|---|---|\n")[1].split("\n\n")[0]
    rows = re.findall(r"^\| `([\w-]+)` \| (.*) \|$", table, re.MULTILINE)
    assert rows == [(kind.id, kind.definition) for kind in KINDS]


def test_no_kind_is_there_that_an_expectation_cannot_name():
    """The set is closed."""
    ids = [kind.id for kind in KINDS]
    assert len(set(ids)) == len(ids)
    assert set(ids) <= set(FINDINGS)
