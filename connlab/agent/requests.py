"""What the lab asks of an agent: the fields of each request, and how long it may take (docs/agent.md).

They are those of client/protocol.py, which the lab cannot import; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

TIMEOUT_MS, BARRIER = 2000, 60.0  # docs/agent.md: the default of timeout_ms, and how far ahead at_ns may be


class Target(TypedDict, total=False):
    """Where a dial goes and comes from; a field that is left out has the agent's own default."""

    host: str
    port: int
    timeout_ms: int
    source: str | None
    sources: str | None
    source_port: int | None


class DialOptions(Target, total=False):
    """Options of `open`."""

    in_flight: int
    at_ns: int | None
    keep: bool


class Open(DialOptions, total=False):
    """Dial."""

    count: int
    gap_ms: int
    partial: bool
    columns: bool


class Salvo(Target, total=False):
    """Dial back to back."""

    count: int
    columns: bool


class ChurnOptions(Target, total=False):
    """Options of `churn`."""

    in_flight: int
    gap_ms: int
    how: str
    message: str | None


class Churn(ChurnOptions, total=False):
    """Open and close connections, one after another."""

    count: int
    detail: bool
    columns: bool


class Held(TypedDict, total=False):
    """The numbers of connections that the agent holds, or all."""

    conns: list[int | None] | None


class Close(Held, total=False):
    """End connections."""

    how: str
    timeout_ms: int


class Send(Held, total=False):
    """Write a text, or so many bytes."""

    text: str
    bytes: int | None


class Recv(Held, total=False):
    """Read at most `max` bytes."""

    max: int
    timeout_ms: int


class TalkOptions(Held, total=False):
    """Options of `talk`."""

    duration_ms: int | None
    rate: int | None
    bytes: int
    timeout_ms: int


class Talk(TalkOptions, total=False):
    """Send requests and wait for their answers."""

    count: int | None


class Listen(TypedDict, total=False):
    """Open a port, on every address of the host."""

    port: int
    backlog: int
    reuse_address: bool
    reuse_port: bool


class Accept(TypedDict, total=False):
    """Take a connection from a listener."""

    conn: int
    timeout_ms: int


class Resolve(TypedDict, total=False):
    """Ask the resolver for a name."""

    host: str


class Facts(TypedDict, total=False):
    """Read the host's clock, settings and counters."""

    sysctls: list[str]
    counters: list[str]


def allowance(verb: str, fields: Mapping[str, Any]) -> float:
    """Return the longest that a request may itself take, in seconds, by its fields and their defaults."""
    timeout, gap = fields.get("timeout_ms", TIMEOUT_MS) / 1000, fields.get("gap_ms", 0) / 1000
    if verb == "open":
        count, in_flight = fields.get("count", 1), fields.get("in_flight", 1)
        barrier = BARRIER if fields.get("at_ns") else 0.0
        rounds = -(-count // in_flight) + 1  # 1: the FINs of keep=False
        return float(barrier + count * gap + rounds * timeout)
    if verb == "salvo":
        return float(timeout)
    if verb == "churn":
        return float(fields.get("count", 100) * (gap + 3 * timeout))  # dial, echo, close
    if verb == "talk":
        count, rate, duration_ms = (fields.get(name) for name in ("count", "rate", "duration_ms"))
        if duration_ms:
            return float(duration_ms / 1000 + timeout)
        return float((count or 1) * timeout + (count / rate if count and rate else 0))
    return float(timeout) if verb in ("close", "recv", "accept", "quit") else 0.0
