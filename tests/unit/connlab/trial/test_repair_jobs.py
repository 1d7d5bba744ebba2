"""Which repairs are tried where more are known than that."""

from __future__ import annotations

import pytest

from connlab.trial.findings.evidence import Finding
from connlab.trial.repairs import jobs
from connlab.trial.repairs.trials import Repairs
from tests.support.trials import dials, evidence, row, ruleset, tried

RULES = ruleset(
    "tcp dport { 443, 8443 } ct count over 5 reject with tcp reset",
    "tcp dport 22 ct count over 3 reject with tcp reset",
)
LINES = {443: 1, 8443: 1, 22: 2}


@pytest.mark.parametrize(
    ("most", "tried_", "left"),
    [(1, [443], [22, 8443]), (2, [443, 22], [8443]), (16, [443, 22, 8443], [])],
)
def test_different_rules_come_first_and_what_is_left_is_known(most, tried_, left, monkeypatch):
    """The same change for another port is tried last."""
    monkeypatch.setattr(jobs, "MOST", most)
    rows = [tried(dials("E5 R10", {"R": LINES[port]}), of=row(port)) for port in LINES]
    seen = evidence(RULES, *rows)
    found = [
        ("live-reset", Finding("reset", each, seen.line(each.judge.place if each.judge else None)))
        for each in rows
    ]
    chosen, others = jobs.jobs(seen, found)
    assert [job.tried.row.port for job in chosen] == tried_
    assert [job.tried.row.port for job in others] == left


def test_the_answer_says_how_many_were_not_tried_and_why():
    assert Repairs([], 3, 0).entry() == {"tried": 3, "not_tried": 0, "why": None}
    assert Repairs([], 16, 5).entry() == {
        "tried": 16, "not_tried": 5, "why": "at most 16 are tried, those of different rules first",
    }  # fmt: skip
