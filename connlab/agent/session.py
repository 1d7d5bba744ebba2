"""Sessions with agents: one on each client host, asked by verb; dials and closes have methods (docs/agent.md)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from types import TracebackType
from typing import Any

from connlab.base.errors import GaveUp, LabError
from connlab.base.model import Attempt
from connlab.cluster.hosts import Host

ARGV = ("python3", "-S", "-E", "-m", "client.agent", "--stop-at-close")
# Three jiffies at HZ=250. Dials of one source that share a jiffy are judged on a stale count
# (docs/kernel.md J01, J08): without this pause the boundary is not exact.
PACE_MS = 12
PATIENCE = 30.0  # seconds beyond what a request may itself take
TIMEOUT_MS, BARRIER = 2000, 60.0  # docs/agent.md: the default of timeout_ms, and how far ahead at_ns may be


class AgentFailed(LabError):
    """The agent refused a request; the text is its own."""


class Agent:
    """The agent of one client host. Closing it, or dying, releases every connection it holds."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._stream = host.stream(ARGV)
        self._next = 0
        self._allowed = 0.0
        try:
            self.hello = json.loads(self._stream.read_line(PATIENCE))
        except GaveUp as late:
            self.end()
            raise GaveUp(
                host.name,
                f"no agent within {PATIENCE:g} s; it waits for the round of the host's own workload",
                next_step="make logs S=client F=1, which shows the round; WORKLOAD=idle make up, which has none",
            ) from late
        except BaseException:
            self.end()
            raise

    def ask(self, verb: str, within: float | None = None, **arguments: Any) -> dict[str, Any]:
        """Send one request and return its answer. Raises `AgentFailed`, `GaveUp` or `StreamClosed`.

        `within`: seconds for the answer, by default as long as the request may take and PATIENCE more.
        """
        self.tell(verb, **arguments)
        return self.hear(within)

    def tell(self, verb: str, **arguments: Any) -> None:
        """Send a request without waiting: so that many hosts can act at one moment."""
        self._next += 1
        self._allowed = allowance(verb, arguments)
        self._stream.write(json.dumps({"id": self._next, "verb": verb, **arguments}))

    def hear(self, within: float | None = None) -> dict[str, Any]:
        """The answer to the last request; one that came too late for its own asker is passed over."""
        answer: dict[str, Any] = {}
        while answer.get("id", 0) not in (None, self._next):
            answer = json.loads(
                self._stream.read_line(PATIENCE + self._allowed if within is None else within)
            )
        if not answer.get("ok"):
            raise AgentFailed(f"{self.host.name}: {answer.get('error')}")
        return answer

    def open(self, count: int = 1, gap_ms: int = PACE_MS, **options: Any) -> list[Attempt]:
        """Dial `count` times, paced so that the kernel's count is exact; what is established is held."""
        return attempts(self.ask("open", count=count, gap_ms=gap_ms, **options))

    def dials(self, count: int, gap_ms: int = PACE_MS, **options: Any) -> Iterator[Attempt]:
        """Dial as `open` does, and yield each attempt when it has ended; the agent holds what was established.

        The next one has as long as one dial may take and PATIENCE more. Raises as `ask` does.
        """
        self.tell("open", count=count, gap_ms=gap_ms, partial=True, **options)
        within = PATIENCE + allowance("open", {**options, "count": 1, "gap_ms": gap_ms})
        while (answer := self.hear(within)).get("partial"):
            yield Attempt.from_agent(answer["attempt"])

    def wait(self, seconds: float) -> None:
        """Let time pass, and learn at once if the agent goes away meanwhile: raises `StreamClosed`."""
        deadline = time.monotonic() + seconds
        with suppress(GaveUp):
            while (left := deadline - time.monotonic()) > 0:
                self._stream.read_line(left)

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


def allowance(verb: str, asked: Mapping[str, Any]) -> float:
    """The longest that a request may itself take, in seconds, by its fields and their defaults (docs/agent.md)."""
    timeout, gap = asked.get("timeout_ms", TIMEOUT_MS) / 1000, asked.get("gap_ms", 0) / 1000
    if verb == "open":
        count, in_flight = asked.get("count", 1), asked.get("in_flight", 1)
        barrier = BARRIER if asked.get("at_ns") else 0.0
        return float(
            barrier + count * gap + (-(-count // in_flight) + 1) * timeout
        )  # 1: the FINs of keep=False
    if verb == "churn":
        return float(asked.get("count", 100) * (gap + 3 * timeout))  # dial, echo, close
    return float(timeout) if verb in ("close", "recv", "accept", "quit") else 0.0


def attempts(answer: dict[str, Any]) -> list[Attempt]:
    """The attempts in an answer to `open`."""
    return [Attempt.from_agent(attempt) for attempt in answer["attempts"]]
