"""A repair is told only if the finding is gone with it, the port still lets in, and a limit is still met."""

from __future__ import annotations

import pytest

from connlab.trial.dialling.tried import Tried
from connlab.trial.hosts.observations import Observation
from connlab.trial.repairs.judgements import is_one
from tests.support.trials import dials, evidence, row, ruleset, seen, tried

RATE = "tcp dport 443 limit rate over 3/minute burst 5 packets drop"
RULES = ruleset("tcp dport 443 ct count over 5 reject", RATE)
BEFORE = "E5 R10"


def changed(
    pattern: str = BEFORE, one: str = "", segments: str = "", **scenes: Observation
) -> dict[str, Observation]:
    """Return what the changed rules did: the dials of the first source, and other scenarios."""
    said = {"one": one or "eeeee", "segments": segments}
    return {"dials": seen(dial=dials(pattern), say=said), **scenes}


def told(
    name: str, scene: str, scenes: dict[str, Observation], before: str = BEFORE, of: Tried | None = None
) -> bool:
    each = of or tried(dials(before))
    return is_one(evidence(RULES, each), name, scene, each, scenes)


@pytest.mark.parametrize(
    ("name", "before", "pattern", "expected"),
    [
        ("upside-down", "R3 E20", "E3 R10", True), ("upside-down", "R3 E20", "R3 E20", False),
        ("upside-down", "R3 E20", "T10", False), ("upside-down", BEFORE, "E64", False),
        ("ipv6-open", "E64", "E5 R10", True), ("ipv6-open", "E64", "T10", False),
        ("unlimited", "E64", "E63 T1", True), ("log-only", "E64", "E32 T1 E31", True),
        ("never-reached", "E64", "E64", False), ("shut-port-opened", "E5 T10", "T10", True),
        ("shut-port-opened", "E5 T10", "E4 T10", False),
    ],
)  # fmt: skip
def test_the_port_lets_in_and_a_limit_is_met(name, before, pattern, expected):
    """Where it was to be shut, it is."""
    assert told(name, "dials", changed(pattern), before) is expected


def older(said: str) -> Observation:
    """Return what connections that are older than the rules said."""
    return seen(say={"one": said, "segments": ""})


@pytest.mark.parametrize(
    ("one", "segments", "untracked", "tracked", "expected"),
    [("eeeee", "", "eeee", "eeee", True), ("eeeet", "", "eeee", "eeee", False),
     ("eeeee", "", "eeet", "eeee", False),
     ("eeeee", "eeeer", "eeee", "eeee", False), ("eeeee", "", "eeee", "rrrr", False)],
)  # fmt: skip
def test_no_connection_that_was_in_comes_to_harm(one, segments, untracked, tracked, expected):
    """One that is frozen in place of reset is not mended."""
    scenes = changed(one=one, segments=segments, live_untracked=older(untracked), live_tracked=older(tracked))
    assert told("live-reset", "live", scenes) is expected


def test_a_repair_that_takes_the_limit_away_mends_nothing():
    """Though every connection lives."""
    scenes = changed("E64", live_untracked=older("eeee"), live_tracked=older("eeee"))
    assert not told("live-reset", "live", scenes)


@pytest.mark.parametrize(
    ("exact", "neighbour", "expected"),
    [(True, "E5 R10", True), (True, "E4 R10", False), (True, "R10", False), (False, "E3 R10", True),
     (False, "E2 R10", False)],
)  # fmt: skip
def test_a_neighbour_has_a_count_of_its_own(exact, neighbour, expected):
    """All of it; where time has a part in it, half."""
    each = tried(dials(BEFORE), two_more=seen(inside=dials("R10")))
    each.sources, each.exact = ("198.18.85.171", ""), exact
    both = {"dials": seen(dial=dials(BEFORE), neighbour=dials(neighbour))}
    assert told("shared-by-all", "neighbour", both, of=each) is expected


@pytest.mark.parametrize(("after", "expected"), [("E5 R10", True), ("E2 R10", False), ("R10", False)])
def test_each_port_has_a_count_of_its_own(after, expected):
    each = tried(dials(BEFORE), held={80: seen(held=dials("E5"), dial=dials("R10"))}, of=row(443))
    scenes = changed(held=seen(held=dials("E5"), dial=dials(after)))
    assert told("ports-share", "held", scenes, of=each) is expected


@pytest.mark.parametrize(
    ("again", "rate", "after", "freed", "banned"),
    [("E5 R10", "E200", "E1", True, True), ("R15", "E200", "E1", False, False), ("E5 R10", "E200", "R1", True, False),
     ("E5 R10", "E5 T20", "E1", False, False), ("E5 R10", "E5 R20", "E1", True, True)],
)  # fmt: skip
def test_who_has_closed_all_gets_in_again(again, rate, after, freed, banned):
    """Nothing else is asked of how many: no rate that is left refuses, and a count of connections may (J01)."""
    scenes = changed(
        freeing=seen(again=dials(again)),
        rate=seen(rate=dials(rate, {"R": 1, "T": 2})),
        all_closed=seen(after=dials(after)),
    )
    assert told("rate-not-count", "freed", scenes) is freed
    assert told("bans", "banned", scenes) is banned


def test_where_no_rule_may_turn_nobody_is_asked_later():
    """Who gets in right after all is closed is not banned."""
    scenes = changed(freeing=seen(again=dials("E5 R10")), rate=seen(rate=dials("E200")))
    assert told("bans", "banned", scenes)


@pytest.mark.parametrize(("pattern", "expected"), [("E5 R10", True), ("E5 T10", True), ("E5 R6 T4", False)])
def test_all_who_are_refused_see_the_same(pattern, expected):
    assert told("refusal-rationed", "alike", changed(pattern), "E5 R6 T4") is expected
