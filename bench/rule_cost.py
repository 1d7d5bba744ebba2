"""`make rule-cost`: what a limit costs a dial, by how many connections its source already holds.

Rounds go through all rules in turn, so that what else the machine does meets all of them.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median, quantiles
from typing import Any, NamedTuple

from bench import report
from bench.guard import guarded
from bench.rules import PORT, RULES
from connlab.base import settings
from connlab.base.errors import LabError
from connlab.cli.show.terminal import console, new_table
from connlab.cluster import engine_machine, sandbox
from connlab.cluster.stream import Stream
from connlab.evidence.charts import chart, curves

HELD = (0, 15, 100, 1_000, 2_500, 5_000, 10_000)  # of the 16,384 descriptors that a sandbox has
DIALS, ROUNDS = 100, 3
EACH, SECONDS = 60.0, 900  # a rule, all of it


class Cost(NamedTuple):
    """Of a rule with so many connections held, in µs: a dial alone in its tick, and dials one right after another."""

    rule: str
    held: int
    open: int  # connections that the server's kernel had: more where resets are dropped (docs/kernel.md C34)
    alone: float  # median
    alone_p99: float
    row: float  # mean: one of them pays for its tick


def measure(stream: Stream, rounds: int = ROUNDS, held: Sequence[int] = HELD) -> list[Cost]:
    """Measure every rule in every round. Raises `LabError` with what a dial was answered, or if one was not held."""
    samples: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for number in range(rounds):
        print(f"rule-cost: round {number + 1} of {rounds}, {len(RULES)} rules", file=sys.stderr, flush=True)
        for rule in RULES:
            for row in _rows(stream, rule, held):
                samples.setdefault((rule, row["held"]), []).append(row)
    return [_cost(rule, count, rows) for (rule, count), rows in samples.items()]


def _rows(stream: Stream, rule: str, held: Sequence[int]) -> Iterator[Mapping[str, Any]]:
    texts = [text] if (text := RULES[rule]) else []
    request = {"do": "cost", "id": rule, "texts": texts, "port": PORT, "held": [*held], "dials": DIALS}
    stream.write(json.dumps(request))
    answer = json.loads(stream.read_line(EACH))
    if "error" in answer:
        raise LabError(f"{rule}: no cost is known", answer["error"])
    for row in answer["rows"]:
        if row["open"] < row["held"]:
            raise LabError(f"{rule}: {row['held']} connections were held, the kernel had {row['open']}")
        yield row


def _cost(rule: str, held: int, rows: Sequence[Mapping[str, Any]]) -> Cost:
    """Take the median round of each figure: a figure of one round may be another process's."""
    return Cost(
        rule,
        held,
        max(row["open"] for row in rows),
        _middle(median(row["alone"]) for row in rows),
        _middle(quantiles(row["alone"], n=100)[98] for row in rows),
        _middle(sum(row["row"]) / len(row["row"]) for row in rows),
    )


def _middle(nanoseconds: Iterable[float]) -> float:
    return round(median(nanoseconds) / 1000, 1)


def curve(costs: Sequence[Cost]) -> dict[str, Any]:
    """Draw what a dial alone in its tick takes, for each rule."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for cost in costs:
        lines.setdefault(cost.rule, []).append((cost.held, cost.alone))
    return chart(
        family="rule-cost",
        title="A count of connections costs a dial more, the more its source holds",
        note="The median of connect(2) over a veth pair, one dial in each tick of the kernel's clock, by how many "
        "connections the same source holds. The rules refuse nobody.",
        x="connections that the source holds",
        panels=[curves("µs for a dial", lines)],
    )


def table(costs: Sequence[Cost]) -> None:
    """Print a row for each rule: µs of a dial alone, by how many are held; then those one right after another."""
    held = sorted({cost.held for cost in costs})
    figures = {(cost.rule, cost.held): cost for cost in costs}
    for title, value in (("alone in its tick", "alone"), ("one right after another", "row")):
        shown = new_table("connections held", *(f">{count:,}" for count in held))
        for rule in RULES:
            shown.add_row(rule, *(f"{getattr(figures[rule, count], value):,.0f}" for count in held))
        console().print(f"µs for a dial, {title}", shown)


def main() -> None:
    """Measure, keep, print."""
    began = time.monotonic()
    with sandbox.sandbox(settings.read(), SECONDS) as stream:
        costs = measure(stream)
    folder = report.save_drawn(
        engine_machine.described(), "rule-cost", curve(costs), seconds=round(time.monotonic() - began, 1),
        dials=DIALS, rounds=ROUNDS, rules=dict(RULES), costs=[cost._asdict() for cost in costs],
    )  # fmt: skip
    table(costs)
    print(f"rule-cost: evidence: {folder}; drawn by `lab report runs/latest-rule-cost`", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(guarded("rule-cost", main))
