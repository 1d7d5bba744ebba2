"""A chart, and a page of it, for the tests of drawing; and what a test leaves in a run's folder."""

from __future__ import annotations

import json

from connlab.evidence.charts import chart, steps
from connlab.evidence.vega_lite import Spec
from connlab.report import page

ROW = {"sentence": "It drains", "evidence": "in 60 s", "verdict": "holds"}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\x1b[31m\udc80\u202e&"


def drain_chart(
    title: str = "TIME_WAIT drains after 60 s", family: str = "time-wait", words: str = "sockets in TIME_WAIT"
) -> Spec:
    """Build a chart of two panels with a moment; all its other words can be somebody's."""
    return chart(
        family=family, title=title, note="Forty sockets.", x="seconds after the close",
        moments={"tcp_fin_timeout=15": 15.0},
        panels=[steps(words, [(0.0, 40), (60.4, 0)]), steps("short", [(0.0, 40), (15.2, 0), (60.4, 0)])],
    )  # fmt: skip


def hostile_chart(words: str) -> Spec:
    """Build a chart every word of which somebody else chose."""
    panels = [steps(words, {words: [(0, 1), (3, 2)], "other": [(0, 1)]}), steps(words, [(0, 1)])]
    return chart(family="time-wait", title=words, note=words, x=words, panels=panels, moments={words: 1.0})


def chart_page(
    *charts: Spec, rows: tuple = (ROW,), run: str = "2026-11-25T16-11-00.156118Z", **machine: str
) -> str:
    charts_by_path = {f"test_{at}/chart-x.json": chart for at, chart in enumerate(charts or (drain_chart(),))}
    return page.page("time-wait", charts_by_path, rows, run, machine)


def panel_chart(*panels: Spec, **moments: float) -> Spec:
    """Build a chart of these panels, whose words are no matter."""
    return chart(family="time-wait", title="t", note="n", x="s", panels=panels, moments=moments)


def write_evidence(run, test: str, name: str, data: object) -> None:
    """Write what a test leaves in a run's folder."""
    (run / test).mkdir(parents=True, exist_ok=True)
    (run / test / f"{name}.json").write_text(json.dumps(data))
