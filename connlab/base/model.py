"""The words of the lab: what can become of an attempt, what a host says, what a claim is worth."""

from __future__ import annotations

import enum
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


class Outcome(enum.StrEnum):
    """What became of one connection attempt: a closed set (docs/events.md)."""

    ESTABLISHED = "established"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    RESET = "reset"
    NO_PORT = "no_port"
    HARNESS_ERROR = "harness_error"


class Verdict(enum.StrEnum):
    """What real hosts say of a claim. `CANNOT_RUN` is never a pass."""

    HOLDS = "holds"
    REFUTED = "refuted"
    DEPENDS = "depends"
    CANNOT_RUN = "cannot_run"


@dataclass(frozen=True, slots=True)  # there may be 300,000
class Attempt:
    """One dial: `conn` names the connection if the agent holds it, times are CLOCK_MONOTONIC.

    `closed_ns` is the end of its close, where the agent closed it before its answer (`churn`); `number` is 1
    for the first dial of its request.
    """

    outcome: Outcome
    conn: int | None
    errno: str | None
    source: str | None
    source_port: int | None
    target: str
    target_port: int
    start_ns: int
    us: int
    closed_ns: int | None = None
    number: int | None = None

    @classmethod
    def from_agent(cls, answer: Mapping[str, Any]) -> Attempt:
        """From the agent's answer; an outcome that this version does not know is a ValueError."""
        return cls(**{**answer, "outcome": Outcome(answer["outcome"])})


def tally(attempts: Iterable[Attempt]) -> Counter[Outcome]:
    """How many attempts ended how."""
    return Counter(attempt.outcome for attempt in attempts)


@dataclass(frozen=True)
class Event:
    """One line of a host's log (docs/events.md)."""

    ts: str
    service: str
    host: str
    event: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, line: str) -> Event | None:
        """Parse the event on a line, JSON or text; None for a line that is neither (a traceback, say)."""
        try:
            record = json.loads(line)
            head = {name: record.pop(name) for name in ("ts", "service", "host", "event")}
            return cls(**head, fields=record)
        except (ValueError, TypeError, KeyError, AttributeError):
            return cls._parse_text(line)

    @classmethod
    def _parse_text(cls, line: str) -> Event | None:
        match = re.match(r"(\d{4}-\d\d-\d\dT[\d:.]+Z) (\S+) ([a-z_]+)(?: |$)(.*)", line)
        if not match:
            return None
        pairs = re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', match[4])
        return cls(match[1], match[2].rpartition("-")[0] or match[2], match[2], match[3],
                   {name: _value(text) for name, text in pairs})  # fmt: skip


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def events(log: str) -> list[Event]:
    """Every event of a log, in its order; lines that are no events are left out."""
    return [event for line in log.splitlines() if (event := Event.parse(line))]
