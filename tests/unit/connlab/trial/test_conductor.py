"""Requests to a sandbox, and answers in any order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connlab.base.errors import GaveUp, LabError
from connlab.trial.conductor import Conductor


class Sandbox:
    """A stream that answers all it was asked, the last request first; `b` fails."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.given: list[str] = []

    def write(self, line: str) -> None:
        self.asked.append(json.loads(line))
        self.given.append(self.asked[-1]["do"])

    def read_line(self, within: float) -> str:
        assert within > 0
        request = self.asked.pop()
        error = {"error": "it says b"} if request["do"] == "b" else {}
        return json.dumps({"id": request["id"], "did": request["do"], **error})


def test_answers_come_in_the_order_of_their_requests():
    """Also of those that were begun before others, and are wanted after them."""
    told: list[tuple[int, int]] = []
    conductor = Conductor(Sandbox(), 5, lambda *done: told.append(done))
    later = conductor.begin([{"do": "x"}, {"do": "y"}])
    assert [answer["did"] for answer in conductor.ask([{"do": "a"}, {"do": "c"}])] == ["a", "c"]
    assert [answer["did"] for answer in conductor.answers(later)] == ["x", "y"]
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_an_answer_that_is_doubted_is_asked_for_once_more():
    """What comes then is the answer, also if it is doubted again; one is kept, and one counted as done."""
    told: list[tuple[int, int]] = []
    kept: list[str] = []
    sandbox = Sandbox()
    conductor = Conductor(
        sandbox, 5, lambda *done: told.append(done), lambda request, answer: kept.append(answer["did"]),
        lambda request, answer: answer["did"] == "x",
    )  # fmt: skip
    assert [answer["did"] for answer in conductor.ask([{"do": "x"}, {"do": "y"}])] == ["x", "y"]
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
