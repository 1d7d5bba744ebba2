"""Requests to a sandbox, and answers in any order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connlab.base.errors import GaveUp, LabError
from connlab.trial.hosts.conductor import Conductor

X, Y = ("ip", "filter", "x", 1), ("ip", "filter", "y", 1)


class Sandbox:
    """A stream that answers all it was asked, the last request first; `x` and `y` are scenarios, and `b` fails."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.given: list[str] = []

    def write(self, line: str) -> None:
        self.asked.append(json.loads(line))
        self.given.append(self.asked[-1]["do"])

    def read_line(self, within: float) -> str:
        assert within > 0
        request = self.asked.pop()
        said: dict[str, Any] = {"error": "it says b"} if request["do"] == "b" else {}
        if request["do"] in "xy":
            counters = [["ip", "filter", request["do"], 1, 1]]
            said = {"dials": [], "results": [], "paths": [], "hits": [], "lost": False, "counters": counters}
        return json.dumps({"id": request["id"], "did": request["do"], **said})


def test_answers_come_in_the_order_of_their_requests():
    """Also of those that were begun before others, and are wanted after them."""
    told: list[tuple[int, int]] = []
    conductor = Conductor(Sandbox(), 5, lambda *done: told.append(done))
    later = conductor.begin([{"do": "x", "steps": []}, {"do": "y", "steps": []}])
    assert [answer["did"] for answer in conductor.ask([{"do": "a"}, {"do": "c"}])] == ["a", "c"]
    assert told == [(1, 4), (2, 4)]  # the last ones came first
    assert [seen.counters for seen in conductor.observations(later)] == [{X: 1}, {Y: 1}]
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_what_is_observed_is_taken_as_it_comes():
    """Also what came while another answer was waited for."""
    conductor = Conductor(Sandbox(), 5)
    scenarios = conductor.begin([{"do": "x", "steps": []}, {"do": "y", "steps": []}])
    assert conductor.next(scenarios)[0] == scenarios[1]
    assert conductor.next(scenarios)[0] == scenarios[1]  # until it is no longer wanted
    assert conductor.ask([{"do": "a"}])[0]["did"] == "a"
    assert conductor.next(scenarios[:1])[0] == scenarios[0]


def test_an_answer_that_is_doubted_is_asked_for_once_more():
    """What comes then is the answer, also if it is doubted again; one is kept, and one counted as done."""
    told: list[tuple[int, int]] = []
    kept: list[str] = []
    sandbox = Sandbox()
    conductor = Conductor(
        sandbox, 5, lambda *done: told.append(done), lambda request, answer: kept.append(answer["did"]),
        lambda seen: X in seen.counters,
    )  # fmt: skip
    asked = conductor.ask([{"do": "x", "steps": []}, {"do": "y", "steps": []}])
    assert [answer["did"] for answer in asked] == ["x", "y"]
    assert (sandbox.given, kept, told) == (["x", "y", "x"], ["y", "x"], [(1, 2), (2, 2)])


def test_a_host_that_failed_is_an_error():
    """With its words."""
    with pytest.raises(LabError, match="a host of the trial failed") as failed:
        Conductor(Sandbox(), 5).ask([{"do": "b"}])
    assert failed.value.why == "it says b"


def test_the_deadline_ends_it():
    """It is the whole trial's."""
    with pytest.raises(GaveUp):
        Conductor(Sandbox(), 0).ask([{"do": "a"}])
