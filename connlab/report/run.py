"""The pages of a run: one for each family of experiments that left charts, written into the run's folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from connlab.base import private_files
from connlab.base.errors import Unreadable, Usage
from connlab.evidence import runs, vega_lite
from connlab.report.page import page


def draw(run: Path, rows: Iterable[Mapping[str, Any]]) -> dict[str, Path]:
    """Write the page of each family that has charts, with its own of these claims; pages by family.

    Raises `Usage` if there are none, and `Unreadable` if one cannot be drawn.
    """
    pages, claims, charts = {}, list(rows), runs.charts(run)
    if not charts:
        raise Usage(
            f"{run} has no charts",
            "no test left a chart-*.json in it",
            next_step="make test, or another run: ls runs/",
        )
    for family in sorted(set(map(vega_lite.family, charts.values()))):
        ours = {source: chart for source, chart in charts.items() if vega_lite.family(chart) == family}
        words = [row for row in claims if row["family"] == family]
        pages[family] = run / f"{family}.html"
        try:
            source = page(family, ours, words, run.name, runs.machine(run))
        except ValueError as wrong:
            raise Unreadable(f"{run}/{wrong}") from wrong
        private_files.write(pages[family], source)
    return pages
