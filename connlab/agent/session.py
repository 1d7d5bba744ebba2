"""Sessions with agents: one on each client host, each of its verbs a method (docs/agent.md)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from types import TracebackType
from typing import Any, Unpack

from connlab.agent.answers import (
    Accepted,
    Churn,
    Closed,
    Facts,
    Listener,
    Received,
    Resolution,
    Sent,
    read_attempts,
    read_record,
)
from connlab.agent.requests import TIMEOUT_MS, ChurnOptions, DialOptions, allowance
from connlab.base.errors import GaveUp, LabError
from connlab.base.model import Attempt
from connlab.cluster.host import Host

ARGV = ("python3", "-S", "-E", "-m", "client.agent", "--stop-at-close")
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
        self._allowed = 0.0
        try:
            self.hello = json.loads(self._stream.read_line(PATIENCE))
        except GaveUp as error:
            self.end()
            raise GaveUp(
                host.name,
                f"no agent within {PATIENCE:g} s; it waits for the round of the host's own workload",
                next_step="make logs S=client F=1, which shows the round; WORKLOAD=idle make up, which has none",
            ) from error
        except BaseException:
            self.end()
            raise

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
        self._send("open", count=count, gap_ms=gap_ms, **options)
        return lambda: read_attempts(self._answer())

    def dials(self, count: int, gap_ms: int = PACE_MS, **options: Unpack[DialOptions]) -> Iterator[Attempt]:
        """Dial as `open` does, and yield each attempt when it has ended; the agent holds what was established.

        The next one has as long as one dial may take and PATIENCE more.
        """
        self._send("open", count=count, gap_ms=gap_ms, partial=True, **options)
        within = PATIENCE + allowance("open", {**options, "count": 1, "gap_ms": gap_ms})
        while (answer := self._answer(within)).get("partial"):
            yield Attempt.from_agent(answer["attempt"])

    def churn(self, count: int, **options: Unpack[ChurnOptions]) -> Churn:
        """Open and close `count` connections, one after another."""
        return self.start_churn(count, **options)()

    def start_churn(self, count: int, **options: Unpack[ChurnOptions]) -> Callable[[], Churn]:
        """Have the agent open and close connections, and do not wait; what is returned waits for the outcome."""
        self._send("churn", count=count, detail=True, **options)

        def outcome() -> Churn:
            answer = self._answer()
            return Churn(read_attempts(answer), answer["seconds"])

        return outcome

    def close(
        self, conns: Sequence[int | None] | None = None, how: str = "fin", timeout_ms: int = TIMEOUT_MS
    ) -> list[Closed]:
        """Close connections, by default all; `fin` returns when the other side has closed too."""
        answer = self._ask("close", how=how, timeout_ms=timeout_ms, **_chosen(conns))
        return [read_record(Closed, closed) for closed in answer["closed"]]

    def send(
        self, text: str = "hello", conns: Sequence[int | None] | None = None, size: int | None = None
    ) -> list[Sent]:
        """Send `text`, or `size` bytes, over connections, by default all; never blocks (send(2), MSG_DONTWAIT)."""
        data: dict[str, Any] = {"text": text} if size is None else {"bytes": size}
        return [read_record(Sent, sent) for sent in self._ask("send", **data, **_chosen(conns))["sent"]]

    def recv(
        self, conns: Sequence[int | None] | None = None, most: int = 65_536, timeout_ms: int = TIMEOUT_MS
    ) -> list[Received]:
        """Read at most `most` bytes once from each connection, by default from all."""
        answer = self._ask("recv", max=most, timeout_ms=timeout_ms, **_chosen(conns))
        return [read_record(Received, received) for received in answer["received"]]

    def listen(
        self, port: int = 0, backlog: int = 5, *, reuse_address: bool = True, reuse_port: bool = False
    ) -> Listener:
        """Listen on every address of the host, on a port of the kernel's choice if `port` is 0."""
        return read_record(
            Listener,
            self._ask(
                "listen", port=port, backlog=backlog, reuse_address=reuse_address, reuse_port=reuse_port
            ),
        )

    def accept(self, listener: Listener, timeout_ms: int = TIMEOUT_MS) -> Accepted:
        """Take one connection from a listener. Raises `AgentFailed` if none comes in time."""
        return read_record(Accepted, self._ask("accept", conn=listener.conn, timeout_ms=timeout_ms))

    def resolve(self, host: str) -> Resolution:
        """Ask the host's resolver for a name; nothing is dialled."""
        return read_record(Resolution, self._ask("resolve", host=host))

    def facts(self, sysctls: Sequence[str] = (), within: float | None = None) -> Facts:
        """Read the clock, the process and some sysctls of the host, `within` seconds."""
        self._send("facts", sysctls=list(sysctls))
        return read_record(Facts, self._answer(within))

    def wait(self, seconds: float) -> None:
        """Let time pass, and learn at once if the agent goes away meanwhile: raises `StreamClosed`."""
        deadline = time.monotonic() + seconds
        with suppress(GaveUp):
            while (seconds_left := deadline - time.monotonic()) > 0:
                self._stream.read_line(seconds_left)

    def _ask(self, verb: str, **fields: Any) -> dict[str, Any]:
        """Send one request and return its answer. Raises `AgentFailed`, `GaveUp` or `StreamClosed`."""
        self._send(verb, **fields)
        return self._answer()

    def _send(self, verb: str, **fields: Any) -> None:
        """Send a request without waiting."""
        self._next += 1
        self._allowed = allowance(verb, fields)
        self._stream.write(json.dumps({"id": self._next, "verb": verb, **fields}))

    def _answer(self, within: float | None = None) -> dict[str, Any]:
        """Return the answer to the last request; one to an earlier request, which came too late, is skipped.

        `within`: seconds for it, by default as long as the request may take and PATIENCE more.
        """
        answer: dict[str, Any] = {}
        while answer.get("id", 0) not in (None, self._next):
            answer = json.loads(
                self._stream.read_line(PATIENCE + self._allowed if within is None else within)
            )
        if not answer.get("ok"):
            raise AgentFailed(f"{self.host.name}: {answer.get('error')}")
        return answer

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
    """Open an agent on each host, eight at a time; all are closed on the way out."""
    with ExitStack() as stack, ThreadPoolExecutor(8) as pool:
        yield [stack.enter_context(agent) for agent in pool.map(Agent, list(on))]


def at_once(opened: Sequence[Agent], count: int, ahead_ms: int = 200, **options: Any) -> list[list[Attempt]]:
    """Have every agent dial `count` times, all from one moment `ahead_ms` from now (the barrier)."""
    start = opened[0].facts().monotonic_ns + ahead_ms * 1_000_000
    pending = [agent.start_open(count, at_ns=start, **options) for agent in opened]
    return [wait() for wait in pending]


def _chosen(conns: Sequence[int | None] | None) -> dict[str, Any]:
    """Return the field that names connections; without it the agent takes all that it has."""
    return {} if conns is None else {"conns": list(conns)}
