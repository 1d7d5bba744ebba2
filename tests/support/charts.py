"""A chart, and a page of it, for the tests of drawing; and what a test leaves in a run's folder."""

from __future__ import annotations

import json
from dataclasses import asdict

from connlab.evidence.chart import Chart, Mark, Series
from connlab.report import page as verdict_tables

DRAIN = Chart(
    family="time-wait",
    title="TIME_WAIT drains after 60 s",
    note="Forty sockets.",
    shape="steps",
    x="seconds after the close",
    y="sockets in TIME_WAIT",
    series=(Series("stock", ((0.0, 40), (60.4, 0))), Series("short", ((0.0, 40), (15.2, 0), (60.4, 0)))),
    marks=(Mark(15.0, "tcp_fin_timeout=15"),),
)
ROW = {"sentence": "It drains", "evidence": "in 60 s", "verdict": "holds"}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\x1b[31m\udc80\u202e&"


def evidence(**changes: object) -> dict:
    """A chart as JSON, as it stands in a file; a field that is ... is left out."""
    data = {**json.loads(json.dumps(asdict(DRAIN))), **changes}
    return {name: value for name, value in data.items() if value is not ...}


def page(
    *charts: Chart, rows: tuple = (ROW,), run: str = "2026-11-25T16-11-00.156118Z", **machine: str
) -> str:
    named = {f"test_{at}/chart-x.json": chart for at, chart in enumerate(charts or (DRAIN,))}
    return verdict_tables.page("time-wait", named, rows, run, machine)


def left(run, test: str, name: str, data: object) -> None:
    """What a test leaves in a run's folder."""
    (run / test).mkdir(parents=True, exist_ok=True)
    (run / test / f"{name}.json").write_text(json.dumps(data))
