"""What a request to an agent may have beside its verb, and how long it may take (docs/agent.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

TIMEOUT_MS, BARRIER = 2000, 60.0  # docs/agent.md: the default of timeout_ms, and how far ahead at_ns may be


class Target(TypedDict, total=False):
    """Where a dial goes and comes from; a field that is left out has the agent's own default."""

    host: str
    port: int
    timeout_ms: int
    source: str
    source_port: int


class DialOptions(Target, total=False):
    """Options of `open`."""

    in_flight: int
    at_ns: int
    keep: bool


class ChurnOptions(Target, total=False):
    """Options of `churn`."""

    gap_ms: int
    how: str
    message: str | None


def allowance(verb: str, fields: Mapping[str, Any]) -> float:
    """Return the longest that a request may itself take, in seconds, by its fields and their defaults."""
    timeout, gap = fields.get("timeout_ms", TIMEOUT_MS) / 1000, fields.get("gap_ms", 0) / 1000
    if verb == "open":
        count, in_flight = fields.get("count", 1), fields.get("in_flight", 1)
        barrier = BARRIER if fields.get("at_ns") else 0.0
        rounds = -(-count // in_flight) + 1  # 1: the FINs of keep=False
        return float(barrier + count * gap + rounds * timeout)
    if verb == "churn":
        return float(fields.get("count", 100) * (gap + 3 * timeout))  # dial, echo, close
    return float(timeout) if verb in ("close", "recv", "accept", "quit") else 0.0
