"""What an agent answers, as records (docs/agent.md); a dial is an `Attempt` (connlab/base/model.py)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from connlab.base.model import Attempt, Outcome

Record = TypeVar("Record")
_FIELDS = [field.name for field in dataclasses.fields(Attempt)]


@dataclass(frozen=True)
class Closed:
    """A connection that was closed: how the other side ended it (`fin`, `reset`, `timeout`, `none`), after `us` µs."""

    conn: int
    peer: str
    us: int


@dataclass(frozen=True)
class Talked:
    """What became of requests: `unsent` were due and not begun in time, `failed` are connections that are out of it.

    `latency_ns` has p50, p99, p99_9 and max, and is None if nothing was answered; `histogram` the shortest time of each
    bucket and how many took that long. A bucket is at most 1/128 of its time wide.
    """

    sent: int
    answered: int
    unsent: int
    failed: Sequence[Mapping[str, Any]]
    seconds: float
    latency_ns: Mapping[str, int] | None
    histogram: Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Sent:
    """What send(2) took of a connection's data; `errno` is EAGAIN if its buffer is full."""

    conn: int
    bytes: int
    errno: str | None


@dataclass(frozen=True)
class Received:
    """What recv(2) read of a connection; `eof` is the other side's FIN, `errno` EAGAIN if nothing came in time."""

    conn: int
    bytes: int
    text: str
    eof: bool
    errno: str | None


@dataclass(frozen=True)
class Listener:
    """A listening socket that the agent holds; it is closed by its `conn`, as a connection is."""

    conn: int
    address: str
    port: int


@dataclass(frozen=True)
class Accepted:
    """A connection that accept(2) returned."""

    conn: int
    source: str
    source_port: int


@dataclass(frozen=True)
class Resolution:
    """What the resolver said of a name: its first IPv4 address, or why there is none; after `us` µs."""

    resolved: bool
    address: str | None
    errno: str | None
    reason: str | None
    us: int


@dataclass(frozen=True)
class Facts:
    """The agent's own host and process; `held` is how many connections it has, `ended` how many the other side ended.

    A sysctl, or a counter of the kernel's, is None if it is not there.
    """

    monotonic_ns: int
    address: str | None
    host: str
    pid: int
    uid: int
    held: int
    ended: int
    sysctls: Mapping[str, str | None]
    counters: Mapping[str, int | None]


@dataclass(frozen=True)
class Churn:
    """Connections that were opened and closed one after another, pauses included in `seconds`."""

    attempts: list[Attempt]
    seconds: float


def read_record(kind: type[Record], answer: Mapping[str, Any]) -> Record:
    """Make a record of the fields of an answer. Raises KeyError if it lacks one of them."""
    return kind(**{field.name: answer[field.name] for field in dataclasses.fields(kind)})  # type: ignore[arg-type]


def read_columns(columns: Mapping[str, Any]) -> Iterator[Attempt]:
    """Yield the attempts in columns of an answer. Raises ValueError for an unknown outcome, or columns that differ."""
    rows = len(columns["number"])
    full = {name: each if isinstance(each, list) else [each] * rows for name, each in columns.items()}
    outcomes = {word: Outcome(word) for word in set(full["outcome"])}
    full["outcome"] = [outcomes[word] for word in full["outcome"]]
    for values in zip(*(full[name] for name in _FIELDS), strict=True):
        yield Attempt(*values)
