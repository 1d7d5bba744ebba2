"""The evidence of a big run in runs/: its answer and its charts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connlab.base import private_files
from connlab.base.settings import HOME
from connlab.evidence import charts
from connlab.evidence.vega_lite import Spec

SUFFIX, LATEST, FAMILY = "-scale", "latest-scale", "scale"
FOLDER = "truth-at-scale"
Answer = Mapping[str, Any]


def keep(answer: Answer, home: Path = HOME) -> Path:
    """Keep an answer and its charts in a folder of its own; `runs/latest-scale` is the newest. Returns the folder."""
    folder = home / "runs" / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S.%fZ}{SUFFIX}"
    private_files.folder(folder.parent)
    inner = private_files.folder(private_files.folder(folder) / FOLDER)
    private_files.write(folder / "machine.json", json.dumps(answer["machine"], indent=1))
    private_files.write(inner / "answer.json", json.dumps(answer))
    for name, spec in (("dials", over_time(answer)), ("sources", by_source(answer))):
        private_files.write(inner / f"chart-{name}.json", json.dumps(spec))
    private_files.lead(LATEST, folder)
    return folder


def over_time(answer: Answer) -> Spec:
    """Draw how many dials began in each second, and how many connections were established and dials refused so far."""
    rows = answer["over_time"]
    step = rows[1]["seconds"] if len(rows) > 1 else 1.0
    panels = [
        charts.slope("dials a second", [(row["seconds"], row["dials"] / step) for row in rows]),
        charts.slope("established so far", _sums(rows, "established")),
        charts.slope("refused so far", _sums(rows, "refused")),
    ]
    return charts.chart(
        family=FAMILY, title=f"{_plan(answer)}: dials over time", note=_note(answer), x="seconds since the first dial",
        panels=panels,
    )  # fmt: skip


def by_source(answer: Answer) -> Spec:
    """Draw how many dials of each source were admitted: a flat line, if the limit is exact."""
    admitted = answer["admitted"]
    ends = [at for at in range(1, len(admitted)) if admitted[at] != admitted[at - 1]]
    points = [(at + 1, admitted[at]) for at in sorted({0, *ends, len(admitted) - 1})]
    return charts.chart(
        family=FAMILY, title=f"{_plan(answer)}: admitted of each source", note=_note(answer), x="source",
        panels=[charts.steps("admitted", points)],
    )  # fmt: skip


def _sums(rows: Sequence[Mapping[str, float]], what: str) -> list[tuple[float, float]]:
    points, total = [], 0.0
    for row in rows:
        total += row[what]
        points.append((row["seconds"], total))
    return points


def _plan(answer: Answer) -> str:
    return f"{answer['plan']['sources']:,} sources"


def _note(answer: Answer) -> str:
    plan, client = answer["plan"], answer["client"]
    return (
        f"{plan['sources']:,} sources on {plan['clients']} clients, {plan['dials']} dials each, limit {plan['limit']},"
        f" server {plan['mode']}; {client['dials']:,} dials in {client['seconds']:.1f} s."
    )
