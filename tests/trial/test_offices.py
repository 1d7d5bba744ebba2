"""People behind one masquerading router are one client to a rule that counts by address."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.in_process import call_lab

pytestmark = pytest.mark.usefixtures("shared_sandboxes")
RULES = """*filter
:INPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 443 --syn -m connlimit --connlimit-above 9 --connlimit-mask 32 -j DROP
-A INPUT -p tcp -m tcp --dport 444 --syn -m connlimit --connlimit-above 7 --connlimit-mask 24 -j DROP
-A INPUT -p tcp -m tcp --dport 445 -j ACCEPT
COMMIT
"""


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what became of 5 people with 3 connections each; the first limit is 7, for once."""
    rules = tmp_path_factory.mktemp("office") / "office.rules"
    rules.write_text(RULES)
    tried = call_lab("try", str(rules), "--office", "5x3", "--dials", "5", "--set", "3:above=7", "--json")
    assert tried.returncode == 0, tried.stderr or tried.stdout
    return dict(json.loads(tried.stdout))


@pytest.fixture(scope="module")
def offices(answer: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """Return each office by its port."""
    return {office["port"]: office for office in answer["offices"]}


def test_a_number_that_is_set_is_what_is_tried(answer):
    """7 where the file says 9; the rule that decided is the changed one."""
    row = next(row for row in answer["ports"] if (row["port"], row["family"]) == (443, 4))
    assert row["limit"] == 7
    assert "--connlimit-above 7 " in row["decided_by"]["rule"]
    assert [(each["line"], each["word"], each["before"], each["after"]) for each in answer["set"]] == [
        (3, "above", "9", "7")
    ]


def test_all_of_an_office_share_what_one_address_may_have(offices):
    """7 of 15, in the order in which they dialled; who has another address has his own 7."""
    assert offices[443] == {
        "port": 443, "people": 5, "each": 3, "got": 7, "per_person": [2, 2, 1, 1, 1], "neighbour": "E3",
    }  # fmt: skip


def test_a_limit_of_a_net_takes_the_neighbour_in(offices):
    """The office has used what a /24 may have."""
    assert offices[444] == {
        "port": 444, "people": 5, "each": 3, "got": 7, "per_person": [2, 2, 1, 1, 1], "neighbour": "T3",
    }  # fmt: skip


def test_without_a_limit_everybody_gets_all(offices):
    """The router stands in nobody's way: the control."""
    assert offices[445]["per_person"] == [3, 3, 3, 3, 3]
    assert offices[445]["neighbour"] == "E3"
    assert sorted(offices) == [443, 444, 445]
