"""Who judged a SYN, what the refused ones saw, and whether trace and client agree, of answers by hand."""

from __future__ import annotations

from typing import Any

import pytest

from connlab.trial.dialling.dial_words import pattern, refusal
from connlab.trial.dialling.doubts import doubtful
from connlab.trial.hosts.observations import Event, Judge, judge, observation
from tests.support.trials import dials

FILTER, NAT = ("ip", "filter", "INPUT"), ("ip", "nat", "INPUT")
GUARD = ("inet", "guard", "input")
NO_STEPS: dict[str, Any] = {"steps": []}


def rule(place: tuple[str, str, str], handle: int, verdict: str) -> Event:
    """Return a rule that a packet matched."""
    return Event((*place, handle), "rule", verdict)


def policy(place: tuple[str, str, str], verdict: str) -> Event:
    """Return the end of a base chain."""
    return Event((*place, 0), "policy", verdict)


@pytest.mark.parametrize(
    ("events", "judged"),
    [
        ([rule(FILTER, 4, "drop")], Judge((*FILTER, 4), "drop")),
        ([rule(FILTER, 4, "continue"), policy(FILTER, "drop")], Judge((*FILTER, 0), "drop")),
        ([rule(FILTER, 4, "accept"), policy(NAT, "accept")], Judge((*FILTER, 4), "accept")),
        # nat's policy is after the filter's, and decides nothing
        ([policy(FILTER, "accept"), policy(NAT, "accept")], Judge((*FILTER, 0), "accept")),
        # of nft's own tables one may be called so too
        ([policy(("netdev", "a", "b"), "accept"), rule(("inet", "raw", "in"), 3, "accept")],
         Judge(("inet", "raw", "in", 3), "accept")),
        # one table lets it in, the next has a policy: the rule says more
        ([rule(GUARD, 2, "accept"), policy(FILTER, "accept")], Judge((*GUARD, 2), "accept")),
        # what one table lets in another one may drop
        ([rule(GUARD, 2, "accept"), rule(FILTER, 9, "drop")], Judge((*FILTER, 9), "drop")),
        ([rule(FILTER, 4, "jump"), rule(FILTER, 7, "accept")], Judge((*FILTER, 7), "accept")),
        ([], None),
    ],
)  # fmt: skip
def test_who_decided_is_the_rule_that_dropped_or_the_last_that_let_in(events, judged):
    """Or a policy, where no rule did either."""
    assert judge(events) == judged


def answer(*dials_: list[Any], paths: list[Any], **more: Any) -> dict[str, Any]:
    """Return the answer of a scenario with one step."""
    count = len(dials_)
    return {
        "results": [{"dials": [0, count]}], "dials": list(dials_), "paths": paths, "hits": [], "lost": False,
        "counters": [],
        **more,
    }  # fmt: skip


IN = [True, [[*FILTER, 4, "rule", "accept"]]]
OUT = [False, [[*FILTER, 5, "rule", "drop"]]]
AWAY = [True, [["ip", "filter", "OUTPUT", 6, "rule", "accept"]]]
KEPT = [False, [["ip", "filter", "OUTPUT", 0, "policy", "drop"]]]


@pytest.mark.parametrize(
    ("letter", "syns", "answers", "agrees"),
    [
        ("E", [IN], [AWAY], True),
        ("D", [IN], [AWAY], True),
        ("E", [IN], [], True),  # the answer went by another address (NAT)
        ("E", [OUT], [], False),
        ("E", [IN], [KEPT], False),
        ("T", [OUT], [], True),
        ("R", [OUT], [], True),
        ("T", [IN], [KEPT], True),
        ("T", [IN], [], True),  # nobody answered: a full queue
        ("T", [IN], [AWAY], False),
        ("R", [IN], [], True),  # nobody listens
        ("E", [], [], None),
    ],
)
def test_trace_and_client_agree_on_the_first_syn(letter, syns, answers, agrees):
    """Who is in had a SYN and an answer that nobody dropped."""
    paths = [*syns, *answers]
    indices = list(range(len(paths)))
    dial = [letter, "", "", indices[: len(syns)], indices[len(syns) :]]
    assert observation(answer(dial, paths=paths), NO_STEPS).dials[0].agrees is agrees


LOST = {"steps": [{"do": "dial"}, {"do": "load"}, {"do": "dial"}]}


def lost(older: str, *newer: tuple[str, list[int], list[int]], whole: bool = True) -> dict[str, Any]:
    """Return the answer of a scenario that dials, loads the rules, and dials."""
    every = [[letter, "", "", [], []] for letter in older]
    every += [[letter, "", "", *ways] for letter, *ways in newer]
    results = [{"dials": [0, len(older)]}, {}, {"dials": [len(older), len(every)]}]
    return answer(*every, paths=[IN, AWAY, OUT], results=results, lost=not whole)


@pytest.mark.parametrize(
    ("of", "doubted"),
    [
        (lost("EE", ("E", [0], [1]), ("T", [2], [])), False),
        # the answer left, and never came
        (lost("EE", ("T", [0], [1]), ("E", [0], [1])), True),
        # no rule was there
        (lost("ET", ("E", [0], [1])), True),
        # no SYN came to the server
        (lost("EE", ("T", [], [])), True),
        (lost("EE", ("T", [], []), whole=False), False),
        # nor of who was refused: whoever did that, as this machine itself without a route, is no rule of the server's
        (lost("EE", ("R", [], [])), True),
        (lost("EE", ("R", [2], [])), False),
        # no answer: a full queue
        (lost("EE", ("T", [0], [])), False),
        # a counter that has fewer than the trace saw come; those it has more of were not all followed
        (lost("EE", ("T", [2], [])) | {"counters": [[*FILTER, 5, 0]]}, True),
        (lost("EE", ("T", [2], []), whole=False) | {"counters": [[*FILTER, 5, 0]]}, False),
        (lost("EE", ("T", [2], [])) | {"counters": [[*FILTER, 5, 1]]}, False),
        (lost("EE", ("T", [2], [])) | {"counters": [[*FILTER, 5, 9]]}, False),
    ],
)
def test_what_no_rule_explains_is_doubted(of, doubted):
    """A dial that was lost on the way, one that the trace does not know, a counter that the trace contradicts."""
    assert doubtful(observation(of, LOST)) is doubted


@pytest.mark.parametrize(
    ("first", "late", "doubted"),
    [("came in", "E", True), ("no rule", "E", True), ("dropped", "E", False), ("came in", "", False)],
)
def test_a_first_syn_that_nobody_dropped_and_a_repeated_one_that_got_in_are_doubted(first, late, doubted):
    """The first was lost; but where a rule dropped it, or nobody ever answers, that is what the rules do."""
    path = {"came in": IN, "no rule": [True, []], "dropped": OUT}[first]
    assert doubtful(observation(answer(["T", "", late, [0], []], paths=[path]), NO_STEPS)) is doubted


def test_a_dial_that_was_lost_before_the_rules_came_is_no_agreement():
    """Nobody was there to refuse it."""
    seen = observation(lost("ET", ("E", [0], [1])), LOST)
    assert [dial.agrees for dial in seen.dials] == [None, False, True]


def test_an_answer_that_is_dropped_has_its_own_judge():
    """The SYN came in by rule 4; the policy of OUTPUT kept the answer."""
    (dial,) = observation(answer(["T", "", "", [0], [1]], paths=[IN, KEPT]), NO_STEPS).dials
    assert dial.judge == Judge(("ip", "filter", "OUTPUT", 0), "drop")
    assert dial.matched == {(*FILTER, 4)}


def test_a_repeated_syn_does_not_change_who_judged_the_first():
    """It was dropped; the second got in. Both rules were matched, and are counted."""
    seen = observation(
        answer(["T", "", "E", [0, 1], []], paths=[OUT, IN], hits=[[*FILTER, 4, 7], [*NAT, 3, 1]]), NO_STEPS
    )
    assert seen.dials[0].judge == Judge((*FILTER, 5), "drop")
    assert seen.traced == {(*FILTER, 4): 8, (*FILTER, 5): 1, (*NAT, 3): 1}
    assert seen.syns == {(*FILTER, 4): 1, (*FILTER, 5): 1}


def test_steps_are_found_by_their_names():
    """Of the request: its own name, or what it does."""
    request = {"steps": [{"do": "dial"}, {"do": "dial", "name": "others"}]}
    given = answer(*[[letter, "", "", [], []] for letter in "EERT"], paths=[])
    given["results"] = [{"dials": [0, 2]}, {"dials": [2, 4]}]
    seen = observation(given, request)
    assert [dial.letter for dial in seen.of("others")] == ["R", "T"]
    assert [dial.letter for dial in seen.of("dial")] == ["E", "E"]


@pytest.mark.parametrize(
    ("letters", "written"), [("", ""), ("E", "E1"), ("EEEETTTETT", "E4 T3 E1 T2"), ("EDRT", "E1 D1 R1 T1")]
)
def test_a_pattern_is_runs_in_order(letters, written):
    """A letter, and how often."""
    assert pattern(letters) == written


@pytest.mark.parametrize(
    ("those", "said"),
    [
        (dials("E5"), "none"),
        (dials("E5 R3"), "rst"),
        (dials("E5 D1 R3"), "rst"),
        (dials("E5 T3"), "silence"),
        (dials("E5 R3", refusal="icmp"), "icmp"),
        (dials("E5 R6 T4", refusal="icmp"), "icmp, then silence"),
        (dials("E5 R1 T9"), "rst"),  # first a limit, then a ban
        (dials("E5 T1 R2"), "silence"),
    ],
)
def test_what_the_refused_ones_see(those, said):
    """The first of them, and whether the ration of ICMP errors ended."""
    assert refusal(those) == said


def test_who_is_in_and_hears_nothing_was_refused_too():
    """Connected, then silence."""
    assert refusal(dials("E5"), dead=True) == "connected, then silence"
