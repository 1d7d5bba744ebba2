"""Requests to the program in the sandbox, many at a time, and their answers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from connlab.base.errors import GaveUp, LabError
from connlab.cluster.stream import Stream
from connlab.trial.hosts.observations import Observation, observation

Progress = Callable[[int, int], None]  # how many scenarios are done, of how many
Keep = Callable[[Mapping[str, Any], Mapping[str, Any]], None]  # a request, and its answer
Doubt = Callable[[Observation], bool]

FASTER = "fewer rules or ports, a smaller --dials or --patience, or a faster machine"


class Answer(NamedTuple):
    """What came back for a request; of a scenario also what was observed."""

    said: Mapping[str, Any]
    seen: Observation | None


class Conductor:
    """One sandbox: `ask` gives it requests and waits for the answers, which come in any order.

    A scenario whose observation is doubted is given once more; what comes then is its answer.
    """

    def __init__(
        self,
        stream: Stream,
        within: float,
        progress: Progress = lambda done, total: None,
        keep: Keep = lambda request, answer: None,
        doubted: Doubt = lambda seen: False,
    ) -> None:
        self._stream, self._progress, self._keep, self._doubted = stream, progress, keep, doubted
        self._deadline = time.monotonic() + within
        self._within = within
        self._asked = 0
        self._requests: dict[int, Mapping[str, Any]] = {}  # those that are not yet answered
        self._again: set[int] = set()  # those that were asked once more
        self._answers: dict[int, Answer] = {}

    def ask(self, requests: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Give all requests at once; their answers in the same order. Raises as `next` does."""
        return [self._answer(number).said for number in self.begin(requests)]

    def begin(self, requests: Sequence[Mapping[str, Any]]) -> list[int]:
        """Give requests whose answers are wanted later; their numbers."""
        numbers = list(range(self._asked, self._asked + len(requests)))
        for number, request in zip(numbers, requests, strict=True):
            self._give(number, request)
        self._asked += len(requests)
        return numbers

    def _give(self, number: int, request: Mapping[str, Any]) -> None:
        self._requests[number] = request
        self._stream.write(json.dumps({"id": number, **request}))

    def observations(self, numbers: Sequence[int]) -> list[Observation]:
        """Wait for the answers to these scenarios; what was observed. Raises as `next` does."""
        return [_seen(self._answer(number)) for number in numbers]

    def next(self, numbers: Collection[int]) -> tuple[int, Observation]:
        """Wait for the first answer to one of these scenarios: which it is, and what was observed.

        Raises `GaveUp` at the deadline, `LabError` if a host failed.
        """
        while not (here := [number for number in numbers if number in self._answers]):
            self._read()
        return here[0], _seen(self._answers[here[0]])

    def _answer(self, number: int) -> Answer:
        while number not in self._answers:
            self._read()
        return self._answers[number]

    def _read(self) -> None:
        left = self._deadline - time.monotonic()
        try:
            answer = json.loads(self._stream.read_line(left)) if left > 0 else None
        except GaveUp:
            answer = None
        if answer is None:
            done = f"{len(self._answers)} of {self._asked} scenarios were done"
            raise GaveUp(f"the trial did not end within {self._within:g} s", done, next_step=FASTER)
        number = answer["id"]
        request = self._requests.pop(number)
        seen = observation(answer, request) if "dials" in answer else None
        if seen and number not in self._again and self._doubted(seen):
            self._again.add(number)
            self._give(number, request)
            return
        self._keep(request, answer)
        if "error" in answer:
            raise LabError("a host of the trial failed", answer["error"])
        self._answers[number] = Answer(answer, seen)
        self._progress(len(self._answers), self._asked)


def _seen(answer: Answer) -> Observation:
    if answer.seen is None:
        raise AssertionError("only scenarios are observed")
    return answer.seen
