"""Dialling by an agent: `open`, `salvo` and `churn` as methods (docs/agent.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Unpack

from connlab.agent import requests
from connlab.agent.answers import Churn, read_columns
from connlab.agent.channel import Channel
from connlab.agent.requests import ChurnOptions, DialOptions, allowance
from connlab.base.errors import LabError
from connlab.base.model import Attempt
from connlab.cluster.host import Host

# Three jiffies at HZ=250. Dials of one source that share a jiffy are judged on a stale count
# (docs/kernel.md J01, J08): without this pause the boundary is not exact.
PACE_MS = 12
AT_ONCE = 0.005  # seconds: less than from one paced dial to the next
LAST_WITHIN = 5.0  # seconds for an agent that was told to stop


class Dialler:
    """What can be dialled by the agent of one client host; attempts come in columns, a thousand in a line."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._channel = Channel(host)
        self.hello = self._channel.hello

    def open(self, count: int = 1, gap_ms: int = PACE_MS, **options: Unpack[DialOptions]) -> list[Attempt]:
        """Dial `count` times, paced so that the kernel's count is exact; what is established is held.

        Raises `AgentFailed`, `GaveUp` or `StreamClosed`, as every request does.
        """
        return self.start_open(count, gap_ms, **options)()

    def start_open(
        self, count: int = 1, gap_ms: int = 0, **options: Unpack[DialOptions]
    ) -> Callable[[], list[Attempt]]:
        """Have the agent dial `count` times, and do not wait; what is returned waits for the attempts.

        So several agents can act at one moment. An agent has one request at a time.
        """
        request: requests.Open = {
            **options, "count": count, "gap_ms": gap_ms, "partial": False, "columns": True,
        }  # fmt: skip
        self._channel.send("open", request)
        return lambda: self._told()[0]

    def dials(self, count: int, gap_ms: int = PACE_MS, **options: Unpack[DialOptions]) -> Iterator[Attempt]:
        """Dial as `open` does, and yield each attempt when it has ended; the agent holds what was established.

        The next one has as long as one dial may take and the host's patience more.
        """
        request: requests.Open = {
            **options, "count": count, "gap_ms": gap_ms, "partial": True, "columns": False,
        }  # fmt: skip
        self._channel.send("open", request)
        yield from self._ended(self.host.patience + allowance("open", {**request, "count": 1}))

    def ended_dials(self) -> Iterator[Attempt]:
        """Stop the agent, and yield the attempts of `dials` that ended before and that nobody has read yet.

        Over TLS, where the agent cannot be told and still be read, those that are here already. An interrupt ends it.
        """
        within = LAST_WITHIN if self._channel.end_input() else AT_ONCE
        with suppress(LabError, KeyboardInterrupt):
            yield from self._ended(within)

    def salvo(self, count: int, **options: Unpack[requests.Target]) -> list[Attempt]:
        """Dial `count` times back to back, with sockets that were made before; what is established is held."""
        request: requests.Salvo = {**options, "count": count, "columns": True}
        self._channel.send("salvo", request)
        return self._told()[0]

    def churn(self, count: int, **options: Unpack[ChurnOptions]) -> Churn:
        """Open and close `count` connections, one after another."""
        return self.start_churn(count, **options)()

    def start_churn(self, count: int, **options: Unpack[ChurnOptions]) -> Callable[[], Churn]:
        """Have the agent open and close connections, and do not wait; what is returned waits for the outcome."""
        request: requests.Churn = {**options, "count": count, "detail": True, "columns": True}
        self._channel.send("churn", request)

        def outcome() -> Churn:
            attempts, answer = self._told()
            return Churn(attempts, answer["seconds"])

        return outcome

    def _ended(self, within: float) -> Iterator[Attempt]:
        """Yield each attempt that the agent tells by itself, when it has ended; `within` seconds for the next."""
        for answer in self._channel.answers(within):
            if "attempt" in answer:
                yield Attempt.from_agent(answer["attempt"])

    def _told(self) -> tuple[list[Attempt], dict[str, Any]]:
        """Return the attempts that the agent tells in columns, in order of dialling, and the answer that ends them."""
        attempts: list[Attempt] = []
        for answer in self._channel.answers():
            if "columns" in answer:
                attempts += read_columns(answer["columns"])
        return attempts, answer
