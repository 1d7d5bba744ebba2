"""Requests to the program in the sandbox, many at a time, and their answers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connlab.base.errors import GaveUp, LabError
from connlab.cluster.stream import Stream

Progress = Callable[[int, int], None]  # how many scenarios are done, of how many
Keep = Callable[[Mapping[str, Any], Mapping[str, Any]], None]  # a request, and its answer
Doubt = Callable[[Mapping[str, Any], Mapping[str, Any]], bool]


FASTER = "fewer rules or ports, a smaller --dials or --patience, or a faster machine"


class Conductor:
    """One sandbox: `ask` gives it requests and waits for the answers, which come in any order.

    A request whose answer is doubted is given once more; what comes then is its answer.
    """

    def __init__(
        self,
        stream: Stream,
        within: float,
        progress: Progress = lambda done, total: None,
        keep: Keep = lambda request, answer: None,
        doubted: Doubt = lambda request, answer: False,
    ) -> None:
        self._stream, self._progress, self._keep, self._doubted = stream, progress, keep, doubted
        self._deadline = time.monotonic() + within
        self._within = within
        self._asked = 0
        self._requests: dict[int, Mapping[str, Any]] = {}  # those that are not yet answered
        self._again: set[int] = set()  # those that were asked once more
        self._answers: dict[int, Mapping[str, Any]] = {}

    def ask(self, requests: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Give all requests at once; their answers in the same order. Raises as `answers` does."""
        return self.answers(self.begin(requests))

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

    def answers(self, numbers: Sequence[int]) -> list[Mapping[str, Any]]:
        """Wait for the answers to these. Raises `GaveUp` at the deadline, `LabError` if a host failed."""
        for number in numbers:
            while number not in self._answers:
                self._read()
        return [self._answers[number] for number in numbers]

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
        if "error" not in answer and number not in self._again and self._doubted(request, answer):
            self._again.add(number)
            self._give(number, request)
            return
        self._keep(request, answer)
        if "error" in answer:
            raise LabError("a host of the trial failed", answer["error"])
        self._answers[number] = answer
        self._progress(len(self._answers), self._asked)
