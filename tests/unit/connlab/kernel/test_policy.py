"""What is said of a running lab's policy: its state, its limit in words, and which rules judged."""

from __future__ import annotations

import json
from operator import itemgetter
from pathlib import Path
from types import SimpleNamespace

import pytest

from connlab.base.errors import LabError
from connlab.cluster.host import CommandFailed
from connlab.cluster.reload import reload
from connlab.kernel import policy, tables
from connlab.kernel.tables import Rule, Ruleset

DATA = Path(__file__).parents[2] / "data"
REPORT = json.loads((DATA / "look.txt").read_text())[-1]


def ruleset(**changes: object) -> Ruleset:
    return tables.parse_ruleset({**REPORT, **changes})


def test_a_policy_in_force():
    """As recorded: nothing differs, nothing is said."""
    answer = policy.policy_state(ruleset())
    facts = itemgetter("state", "file", "difference", "limit")(answer)
    assert facts == ("in_force", "connlimit", [], 15)
    assert policy.describe_limit(answer) == "15 connections per source address"
    assert policy.notices(answer) == []


@pytest.mark.parametrize(
    ("changes", "state", "words"),
    [
        ({"difference": ["missing in filter: -A INPUT"]}, "drift", "missing in filter: -A INPUT"),
        ({"unknown": "this host has kept nothing"}, "unknown", "this host has kept nothing"),
        ({"unknown": "x", "difference": ["y"]}, "unknown", "could not be compared"),
    ],
)
def test_a_policy_that_is_not_in_force_is_told(changes, state, words):
    """Drift with each difference and the way out; what could not be compared is not called in force."""
    answer = policy.policy_state(ruleset(**changes))
    assert answer["state"] == state
    assert words in "\n".join(policy.notices(answer))


def test_no_limit_is_a_state_of_its_own():
    """FIREWALL=none limits nothing, and says so; with something in its kernel it is drift like any other."""
    answer = policy.policy_state(ruleset(file="none", limit=None, limits=[], rules=[]))
    assert (answer["state"], policy.notices(answer)) == ("none", [])
    assert policy.describe_limit(answer) == "nothing is limited"
    assert policy.policy_state(ruleset(file="none", difference=["added"]))["state"] == "drift"


def test_without_a_certain_number_the_rules_speak():
    """Never a number from a knob."""
    answer = policy.policy_state(
        ruleset(limit=None, limits=["connlimit above 15, mask 24, source: REJECT", "-A INPUT -j DROP"])
    )
    assert policy.describe_limit(answer) == "connlimit above 15, mask 24, source: REJECT; -A INPUT -j DROP"


@pytest.mark.parametrize(
    ("uncounted", "numbers", "words"),
    [
        (None, (None, None), []),
        ({"at_least": 0, "at_most": 0}, (0, 0), []),
        ({"at_least": 1, "at_most": 1}, (1, 1), ["1 connection from before is not counted"]),
        ({"at_least": 5, "at_most": 5}, (5, 5), ["5 connections from before are not counted"]),
        ({"at_least": 2, "at_most": 7}, (2, 7),
         ["2 to 7 connections from before may not be counted: rules were changed meanwhile"]),
    ],
)  # fmt: skip
def test_connections_that_are_not_counted(uncounted, numbers, words):
    """Exact where it is known, a range where it is not, nothing where nothing is counted."""
    answer = policy.policy_state(ruleset(uncounted=uncounted))
    assert (answer["uncounted"], answer["uncounted_at_most"]) == numbers
    assert policy.notices(answer) == words


def counted_ruleset(*packets: int, generation: int | None = 5, refuses: bool = True) -> Ruleset:
    rules = [
        Rule("filter", "INPUT", f"2/{n}", f"rule {n}", count, "DROP", refuses)
        for n, count in enumerate(packets)
    ]
    return Ruleset(generation, rules, {"unknown": None})


def test_each_refusing_rule_says_what_it_judged():
    """By its own counter; one that does not refuse is not among them."""
    change = policy.packets_between(counted_ruleset(3, 0), counted_ruleset(8, 0))
    assert (change.total, change.certain) == (5, 5)
    assert policy.describe_packets(change) == "packets refused: 5 by `rule 0` (filter)"
    assert (
        policy.describe_packets(policy.packets_between(counted_ruleset(3), counted_ruleset(3)))
        == "no rule refused a packet"
    )
    before, after = (counted_ruleset(packets, refuses=False) for packets in (3, 8))
    assert policy.packets_between(before, after).total == 0


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (counted_ruleset(8), counted_ruleset(3), "went back"),
        (counted_ruleset(3), counted_ruleset(8, generation=6), "changed meanwhile"),
        (counted_ruleset(8), counted_ruleset(generation=6), "changed meanwhile"),
        (counted_ruleset(generation=None), counted_ruleset(generation=None), "could not be read"),
    ],
)
def test_no_difference_is_told_that_is_not_known(before, after, words):
    """Counters that went back, rules that were changed or are gone: no number, never a negative one."""
    change = policy.packets_between(before, after)
    assert change.total is None
    assert words in policy.describe_packets(change)
    with pytest.raises(LabError, match=words):
        _ = change.certain


def test_a_reload_that_fails_says_why_and_what_next():
    """The server's own words, and the way out that costs the connections."""

    def run(_):
        raise CommandFailed("server-1: still not as the policy was loaded")

    with pytest.raises(LabError, match=r"still not as the policy(.|\n)*next: make down"):
        reload(SimpleNamespace(run=run))
    assert reload(SimpleNamespace(run=lambda _: '{"difference": ["x"]}')) == ["x"]
