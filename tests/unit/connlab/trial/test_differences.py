"""Where the answers of kernels differ: findings, with what each kernel did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from connlab.trial.answer import vocabulary
from connlab.trial.answer.differences import differences
from tests.support.trial_answers import answer, row
from tests.support.trial_schema import problems

SYSCTL: Mapping[str, Any] = {
    "file": "x.conf", "line": 2, "key": "net.ipv4.tcp_tw_reuse_delay", "asked": "500", "before": "1000", "after": "500",
    "verdict": ["applied"], "text": "acts on the side that dials",
}  # fmt: skip
ABSENT = {**SYSCTL, "before": None, "after": None, "verdict": ["absent"]}
LOCKED = {"dials": 45, "took_ms": [4, 4, 4], "established": [20, 0, 0], "alone": 11, "alone_established": 9}
LOADED = answer()["files"][0]
MISSING = {"line": 3, "text": "Extension connlimit revision 0 not supported, missing kernel module?"}
UNMET = {"text": "port 443: 20", "holds": False, "got": "unlimited"}


def of_one(**more: Any) -> dict[str, Any]:
    """Return an answer with one row, and what is given."""
    return answer(**{"ports": [row()], **more})


@pytest.mark.parametrize(
    ("more", "what", "said"),
    [
        ({"ports": [row(bursts=LOCKED)]}, "port 443 over IPv4, bursts, all closed in between",
         "20, 0, 0 of 45, then not all of those alone"),
        ({"ports": [row(loopback=["E15 R5", "E10 R10"])]}, "port 443 over IPv4, over loopback",
         "E15 R5, all closed, then E10 R10"),
        ({"ports": [row(pattern="E64")]}, "port 443 over IPv4, one after another", "E64"),
        ({"ports": [row(frees=None)]}, "port 443 over IPv4, a place of a closed connection is free", "not in time"),
        ({"ports": [row(shared_by="address")]}, "port 443 over IPv4, who shares the count", "per address"),
        ({"ports": [row(live_tracked="eeet")]}, "port 443 over IPv4, older than the rules, on one that tracked", "et"),
        ({"ports": [row(cannot_run="the kernel has no `x`")]}, "port 443 over IPv4, whether it can be tried",
         "the kernel has no `x`"),
        ({"files": [{**LOADED, "loaded": False, "messages": [MISSING]}]}, f"{LOADED['path']}: whether it loads",
         f"does not load: {MISSING['text']}"),
        ({"sysctls": [ABSENT]}, SYSCTL["key"], "absent (nothing before, nothing after)"),
        ({"expectations": [UNMET]}, "the expectation 'port 443: 20'", "does not hold: unlimited"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_differs_is_a_finding(more, what, said):
    """With the words of each kernel, those that say the same together; of nothing else."""
    usual = of_one(sysctls=[SYSCTL], expectations=[{**UNMET, "holds": True}])
    other = {**usual, **more}
    (found,) = differences({"5.10.262": usual, "6.12.57": other, "6.12.118": usual})
    assert (found["id"], found["what"]) == (vocabulary.DIFFERENCE, what)
    assert found["by_kernel"]["6.12.57"] == said
    assert found["by_kernel"]["5.10.262"] == found["by_kernel"]["6.12.118"] != said
    assert found["text"] == f"{what}: 5.10.262, 6.12.118: {found['by_kernel']['5.10.262']}; 6.12.57: {said}"
    trials = [{"release": name, "package": "p", "uname": None, "status": "tried", "reason": "", "evidence": None,
               "answer": each} for name, each in (("5.10.262", usual), ("6.12.57", other))]  # fmt: skip
    assert problems({"schema": 1, "kernels": trials, "findings": [found]}) == []


def test_what_is_the_same_is_none():
    """Also how often a slow kernel could dial alone."""
    few, many = ({**LOCKED, "established": [20] * 3, "alone": n, "alone_established": n} for n in (11, 30))
    assert differences({"a": of_one(ports=[row(bursts=few)]), "b": of_one(ports=[row(bursts=many)])}) == []


@pytest.mark.parametrize(("fastest_ms", "differs"), [(13, True), (14, False)])
def test_bursts_that_were_drawn_out_show_nothing(fastest_ms, differs):
    """Of 45 dials: who was let in then may be kept out by the same kernel, so it is not compared with one that does."""
    all_in = {
        **LOCKED,
        "established": [20] * 3,
        "alone": 9,
        "alone_established": 9,
        "took_ms": [1, 90, fastest_ms],
    }
    answers = {"a": of_one(ports=[row(bursts=LOCKED)]), "b": of_one(ports=[row(bursts=all_in)])}
    assert bool(differences(answers)) is differs


@pytest.mark.parametrize("less", [{"established": [20, 0, 0]}, {"alone_established": 8}])
def test_who_was_kept_out_by_slow_bursts_is_compared(less):
    """In a later burst, or alone: that a kernel does so is shown at any speed."""
    all_in = {**LOCKED, "established": [20] * 3, "alone": 9, "alone_established": 9}
    slow = {**all_in, "took_ms": [90, 90, 90], **less}
    assert differences({"a": of_one(ports=[row(bursts=slow)]), "b": of_one(ports=[row(bursts=all_in)])})


PACED = {"by_seconds": True, "pattern": "E6 R5 E1 R4", "frees": "at once", "loopback": ["E5 R11"]}


def test_what_a_rate_of_seconds_lets_in_is_not_compared():
    """How many that are is a matter of pace, on one kernel too; that nobody is refused, or how, is not."""
    one, other = (
        row(**PACED),
        row(**{**PACED, "pattern": "E6 R4 E1 R5", "frees": 0.25, "loopback": ["E6 R10"]}),
    )
    assert differences({"a": of_one(ports=[one]), "b": of_one(ports=[other])}) == []
    for less in ({"pattern": "E64", "limit": None}, {"refusal": "rst"}, {"live": "reset"}):
        assert differences({"a": of_one(ports=[one]), "b": of_one(ports=[{**other, **less}])}), less


def test_a_row_whose_witnesses_contradict_each_other_is_not_compared():
    """The lab is at fault there, and no kernel; where it is not known whether they do, it is."""
    odd = row(pattern="E64", witnesses_agree=False)
    assert differences({"a": of_one(), "b": of_one(ports=[odd])}) == []
    assert differences({"a": of_one(), "b": of_one(ports=[{**odd, "witnesses_agree": None}])}) != []


def test_a_row_is_named_by_what_tells_it_from_others_of_its_port():
    """Its net, interface and address."""
    rows = [row(), {**row(), "from": "10.0.0.0/8"}]
    (found,) = differences(
        {"a": of_one(ports=rows), "b": of_one(ports=[rows[0], {**rows[1], "live": "reset"}])}
    )
    assert found["what"] == "port 443 over IPv4 from 10.0.0.0/8 via eth0, connections that are in"
