"""The hands: one agent on one client host, its verbs as methods (docs/agent.md)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any

from lab.errors import LabError
from lab.hosts import Host
from lab.model import Attempt

ARGV = ("python3", "-S", "-E", "-m", "client.agent")
# Three jiffies at HZ=250. Dials of one source that share a jiffy are judged on a stale count
# (docs/kernel.md J01, J08): without this pause the boundary is not exact.
PACE_MS = 12
PATIENCE = 30.0  # seconds beyond what a request may itself take


class AgentFailed(LabError):
    """The agent refused a request; the text is its own."""


class Agent:
    """The agent of one client host. Closing it, or dying, releases every connection it holds."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._stream = host.stream(ARGV)
        self._next = 0
        self.hello = json.loads(self._stream.read_line(PATIENCE))

    def ask(self, verb: str, within: float = PATIENCE, **arguments: Any) -> dict[str, Any]:
        """Send one request and return its answer. Raises `AgentFailed`, `GaveUp` or `StreamClosed`."""
        self.tell(verb, **arguments)
        return self.hear(within)

    def tell(self, verb: str, **arguments: Any) -> None:
        """Send a request without waiting: so that many hosts can act at one moment."""
        self._next += 1
        self._stream.write(json.dumps({"id": self._next, "verb": verb, **arguments}))

    def hear(self, within: float = PATIENCE) -> dict[str, Any]:
        """The answer to the last request; one that came too late for its own asker is passed over."""
        answer: dict[str, Any] = {}
        while answer.get("id", 0) not in (None, self._next):
            answer = json.loads(self._stream.read_line(within))
        if not answer.get("ok"):
            raise AgentFailed(f"{self.host.name}: {answer.get('error')}")
        return answer

    def open(self, count: int = 1, gap_ms: int = PACE_MS, **options: Any) -> list[Attempt]:
        """Dial `count` times, paced so that the kernel's count is exact; what is established is held."""
        return attempts(self.ask("open", count=count, gap_ms=gap_ms, **options))

    def close(
        self, conns: Sequence[int] | None = None, how: str = "fin", **options: Any
    ) -> list[dict[str, Any]]:
        """Close connections, by default all; `fin` returns when the other side has closed too."""
        which: dict[str, Any] = {} if conns is None else {"conns": list(conns)}
        closed: list[dict[str, Any]] = self.ask("close", how=how, **which, **options)["closed"]
        return closed

    def end(self) -> None:
        """Close the stream; the agent ends by itself."""
        self._stream.close()

    def __enter__(self) -> Agent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


@contextmanager
def agents(on: Iterable[Host]) -> Iterator[list[Agent]]:
    """An agent on each host, opened eight at a time; all are closed on the way out."""
    with ExitStack() as stack, ThreadPoolExecutor(8) as pool:
        yield [stack.enter_context(agent) for agent in pool.map(Agent, list(on))]


def at_once(opened: Sequence[Agent], count: int, ahead_ms: int = 200, **options: Any) -> list[list[Attempt]]:
    """Every agent dials `count` times, all from one moment `ahead_ms` from now (the barrier)."""
    start = int(opened[0].ask("facts")["monotonic_ns"]) + ahead_ms * 1_000_000
    for agent in opened:
        agent.tell("open", count=count, at_ns=start, **options)
    return [attempts(agent.hear()) for agent in opened]


def attempts(answer: dict[str, Any]) -> list[Attempt]:
    """The attempts in an answer to `open`."""
    return [Attempt.from_agent(attempt) for attempt in answer["attempts"]]
