"""Sessions with agents: one on each client host, each of their verbs a method (docs/agent.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Unpack

from connlab.agent import requests
from connlab.agent.answers import (
    Accepted,
    Closed,
    Facts,
    Listener,
    Received,
    Resolution,
    Sent,
    Talked,
    read_record,
)
from connlab.agent.dialler import PACE_MS, Dialler
from connlab.agent.requests import TIMEOUT_MS
from connlab.base.model import Attempt
from connlab.cluster.host import Host

__all__ = ["PACE_MS", "Agent", "agents", "at_once", "start_agents"]
PARALLEL = 8  # agents that start


class Agent(Dialler):
    """The agent of one client host. Closing it, or dying, releases every connection it holds."""

    def close(
        self, conns: Sequence[int | None] | None = None, how: str = "fin", timeout_ms: int = TIMEOUT_MS
    ) -> list[Closed]:
        """Close connections, by default all; `fin` returns when the other side has closed too."""
        request: requests.Close = {**_held(conns), "how": how, "timeout_ms": timeout_ms}
        return [read_record(Closed, closed) for closed in self._channel.ask("close", request)["closed"]]

    def send(
        self, text: str = "hello", conns: Sequence[int | None] | None = None, size: int | None = None
    ) -> list[Sent]:
        """Send `text`, or `size` bytes, over connections, by default all; never blocks (send(2), MSG_DONTWAIT)."""
        request: requests.Send = {**_held(conns), "text": text, "bytes": size}
        return [read_record(Sent, sent) for sent in self._channel.ask("send", request)["sent"]]

    def recv(
        self, conns: Sequence[int | None] | None = None, most: int = 65_536, timeout_ms: int = TIMEOUT_MS
    ) -> list[Received]:
        """Read at most `most` bytes once from each connection, by default from all."""
        request: requests.Recv = {**_held(conns), "max": most, "timeout_ms": timeout_ms}
        return [
            read_record(Received, received) for received in self._channel.ask("recv", request)["received"]
        ]

    def talk(self, count: int | None = None, **options: Unpack[requests.TalkOptions]) -> Talked:
        """Send requests over connections and wait for their answers; without a count or a duration one over each.

        With `rate` so many are due each second, and the time of each counts from when it was due (docs/agent.md).
        """
        return self.start_talk(count, **options)()

    def start_talk(
        self, count: int | None = None, **options: Unpack[requests.TalkOptions]
    ) -> Callable[[], Talked]:
        """Have the agent talk, and do not wait; what is returned waits for the outcome."""
        request: requests.Talk = {**options, "count": count}
        self._channel.send("talk", request)
        return lambda: read_record(Talked, self._channel.answer())

    def listen(
        self, port: int = 0, backlog: int = 5, *, reuse_address: bool = True, reuse_port: bool = False
    ) -> Listener:
        """Listen on every address of the host, on a port of the kernel's choice if `port` is 0."""
        request: requests.Listen = {
            "port": port, "backlog": backlog, "reuse_address": reuse_address, "reuse_port": reuse_port,
        }  # fmt: skip
        return read_record(Listener, self._channel.ask("listen", request))

    def accept(self, listener: Listener, timeout_ms: int = TIMEOUT_MS) -> Accepted:
        """Take one connection from a listener. Raises `AgentFailed` if none comes in time."""
        request: requests.Accept = {"conn": listener.conn, "timeout_ms": timeout_ms}
        return read_record(Accepted, self._channel.ask("accept", request))

    def resolve(self, host: str) -> Resolution:
        """Ask the host's resolver for a name; nothing is dialled."""
        request: requests.Resolve = {"host": host}
        return read_record(Resolution, self._channel.ask("resolve", request))

    def facts(
        self, sysctls: Sequence[str] = (), counters: Sequence[str] = (), within: float | None = None
    ) -> Facts:
        """Read the clock, the process, some sysctls and counters of the host, `within` seconds."""
        request: requests.Facts = {"sysctls": list(sysctls), "counters": list(counters)}
        self._channel.send("facts", request)
        return read_record(Facts, self._channel.answer(within))

    def wait(self, seconds: float) -> None:
        """Let time pass, and learn at once if the agent goes away meanwhile: raises `StreamClosed`."""
        self._channel.wait(seconds)

    def end(self) -> None:
        """Close the stream; the agent ends by itself."""
        self._channel.close()

    def __enter__(self) -> Agent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


def start_agents(hosts: Iterable[Host]) -> list[Agent]:
    """Start an agent on each host, eight at a time. Raises what the first that does not start raises; none is left."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        starts = [pool.submit(Agent, host) for host in hosts]
    if any(start.exception() for start in starts):
        for start in starts:
            if not start.exception():
                start.result().end()
    return [start.result() for start in starts]


@contextmanager
def agents(on: Iterable[Host]) -> Iterator[list[Agent]]:
    """Open an agent on each host, eight at a time; all are closed on the way out."""
    with ExitStack() as stack:
        yield [stack.enter_context(agent) for agent in start_agents(on)]


def at_once(opened: Sequence[Agent], count: int, ahead_ms: int = 200, **options: Any) -> list[list[Attempt]]:
    """Have every agent dial `count` times, all from one moment `ahead_ms` from now (the barrier)."""
    start = opened[0].facts().monotonic_ns + ahead_ms * 1_000_000
    pending = [agent.start_open(count, at_ns=start, **options) for agent in opened]
    return [wait() for wait in pending]


def _held(conns: Sequence[int | None] | None) -> requests.Held:
    """Return the field that names connections; without it the agent takes all that it has."""
    return {} if conns is None else {"conns": list(conns)}
