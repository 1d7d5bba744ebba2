"""Requests to one agent and its answers, in turn, over the stream of its command (docs/agent.md)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from connlab.agent.requests import allowance
from connlab.base.errors import GaveUp, LabError
from connlab.cluster.host import Host

ARGV = ("python3", "-S", "-E", "-m", "client.agent", "--stop-at-close")


class AgentFailed(LabError):
    """The agent refused a request; the text is its own."""


class Channel:
    """The stream of an agent that was started on a host; `hello` is its first line.

    Every method raises `AgentFailed`, `GaveUp` or `StreamClosed`.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._stream = host.stream(ARGV)
        self._number = 0  # of the last request
        self._allowance = 0.0
        try:
            self.hello = self._read(host.patience)
        except GaveUp as error:
            self.close()
            raise GaveUp(
                host.name,
                f"no agent within {host.patience:g} s; it waits for the round of the host's own workload, "
                "or its machine is busy",
                next_step="make logs S=client F=1, which shows the round; WORKLOAD=idle make up, which has none",
            ) from error
        except BaseException:
            self.close()
            raise

    def send(self, verb: str, request: Mapping[str, Any]) -> None:
        """Send a request without waiting."""
        self._number += 1
        self._allowance = allowance(verb, request)
        self._stream.write(json.dumps({"id": self._number, "verb": verb, **request}))

    def answer(self, within: float | None = None) -> dict[str, Any]:
        """Return the answer to the last request; one to an earlier request, which came too late, is skipped.

        `within`: seconds for it, by default as long as the request may take and the host's patience more.
        """
        answer: dict[str, Any] = {}
        while answer.get("id", 0) not in (None, self._number):
            answer = self._read(self._host.patience + self._allowance if within is None else within)
        if not answer.get("ok"):
            raise AgentFailed(f"{self._host.name}: {answer.get('error')}")
        return answer

    def answers(self, within: float | None = None) -> Iterator[dict[str, Any]]:
        """Yield the partial answers to the last request, and the one that ends them, each `within` seconds."""
        partial = True
        while partial:
            answer = self.answer(within)
            partial = answer.get("partial", False)
            yield answer

    def _read(self, within: float) -> dict[str, Any]:
        """Read a line of the agent's; where the engine writes its own words there, the host went away meanwhile."""
        line = self._stream.read_line(within)
        try:
            answer: dict[str, Any] = json.loads(line)
        except ValueError:
            raise AgentFailed(f"{self._host.name}: no agent answers there: {line.strip()}") from None
        return answer

    def ask(self, verb: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and return its answer."""
        self.send(verb, request)
        return self.answer()

    def wait(self, seconds: float) -> None:
        """Let time pass, and learn at once if the agent goes away meanwhile."""
        deadline = time.monotonic() + seconds
        with suppress(GaveUp):
            while (seconds_left := deadline - time.monotonic()) > 0:
                self._stream.read_line(seconds_left)

    def end_input(self) -> bool:
        """Have the agent stop, and go on reading what it has told by then; whether that can be."""
        return self._stream.end_input()

    def close(self) -> None:
        """Close the stream; the agent ends by itself."""
        self._stream.close()
