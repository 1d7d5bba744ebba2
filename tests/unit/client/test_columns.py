"""Attempts in columns: what a line for each would say, in a twentieth of its memory."""

from __future__ import annotations

from itertools import repeat
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.unit.client.processes import log_events

MANY = 10_000
FIELDS = ["number", "conn", "outcome", "errno", "source", "source_port", "target", "target_port", "start_ns", "us",
          "closed_ns"]  # fmt: skip
LOGGED = ["outcome", "source", "source_port", "target", "target_port", "us", "errno"]


def ask_in_lines(client, **request):
    """Ask; returns the lines of columns, and the answer that ends them."""
    client.send(id=1, **request, columns=True)
    lines = [next(client.answers)]
    while lines[-1].get("partial"):
        lines.append(next(client.answers))
    assert all((line["id"], line["ok"]) == (1, True) for line in lines)
    return [line["columns"] for line in lines[:-1]], lines[-1]


def rows(columns):
    """Return the attempts of a line of columns as docs/agent.md says they are to be read."""
    assert list(columns) == FIELDS
    full = [
        each if isinstance(each, list) else repeat(each, len(columns["number"])) for each in columns.values()
    ]
    return [dict(zip(FIELDS, row, strict=True)) for row in zip(*full, strict=True)]


@pytest.mark.parametrize("verb", ["open", "salvo", "churn"])
def test_they_say_what_the_log_and_the_listener_say(agent, verb):
    """Two established, two not: each attempt with its outcome, its ports and its time, in order of dialling."""
    client = agent()
    listener = client.ask("listen", backlog=1, address="127.0.0.1")
    port = listener["port"]
    (columns,), answer = ask_in_lines(client, verb=verb, host="127.0.0.1", port=port, count=4, timeout_ms=100)
    told = rows(columns)
    assert [each["number"] for each in told] == [1, 2, 3, 4]
    logged = [event for event in log_events(client.process) if event["event"] == "attempt"]
    assert [{name: each[name] for name in LOGGED} for each in told] == [
        {name: event[name] for name in LOGGED} for event in logged
    ]
    outcomes = [each["outcome"] for each in told]
    accepted = [client.ask("accept", conn=listener["conn"])["source_port"] for _ in range(2)]
    assert [each["source_port"] for each in told if each["outcome"] == "established"] == accepted
    assert answer["tally"] == {word: outcomes.count(word) for word in ("established", "timed_out")}
    assert "attempts" not in answer
    kept = [each["conn"] for each in told if each["outcome"] == "established" and verb != "churn"]
    assert client.ask("close", conns=kept, how="rst")["ok"]
    assert [bool(each["closed_ns"]) for each in told] == [
        verb == "churn" and word == "established" for word in outcomes
    ]


def test_a_thousand_are_in_a_line(agent):
    """In order over all lines; what all of a line have is there once."""
    lines, answer = ask_in_lines(agent(), verb="open", host="127.0.0.1", port=free_port(), count=2500)
    assert [len(columns["number"]) for columns in lines] == [1000, 1000, 500]
    attempts = [attempt for columns in lines for attempt in rows(columns)]
    assert [attempt["number"] for attempt in attempts] == list(range(1, 2501))
    assert [attempt["start_ns"] for attempt in attempts] == sorted(
        {attempt["start_ns"] for attempt in attempts}
    )
    assert [columns["errno"] for columns in lines] == ["ECONNREFUSED"] * 3
    assert answer == {"id": 1, "ok": True, "tally": {"refused": 2500}}


@pytest.mark.parametrize("verb", ["open", "churn"])
def test_many_cost_little_memory(agent, verb):
    """Not 1 KB for each, as records and their line do, but 45 bytes, and one line at a time."""
    client = agent()
    status = Path("/proc", str(client.process.pid), "status")

    def most_kb() -> int:
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1])

    target = {"verb": verb, "host": "127.0.0.1", "port": free_port(), "in_flight": 8}
    ask_in_lines(client, **target, count=1000)
    before = most_kb()
    lines, _ = ask_in_lines(client, **target, count=MANY)
    assert sum(len(columns["number"]) for columns in lines) == MANY
    assert most_kb() - before < MANY * 100 // 1024
