"""The pages of a run, written into its folder: one for each family of experiments that left charts, or of kernels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from connlab.base import private_files
from connlab.base.errors import Unreadable, Usage
from connlab.evidence import matrices, runs, vega_lite
from connlab.report.kernels_page import kernels_page
from connlab.report.page import page


def draw(run: Path, rows: Iterable[Mapping[str, Any]]) -> dict[str, Path]:
    """Write the page of each family that has charts, with its own of these claims; pages by family.

    A matrix of kernels is a family of its own. Raises `Usage` if there are none, `Unreadable` if one cannot be drawn.
    """
    if (run / matrices.FILE).exists():
        return {"kernels": draw_kernels(run)}
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


def draw_kernels(run: Path) -> Path:
    """Write the page of a matrix of kernels, and return it. Raises `Unreadable` if it is none."""
    path = run / "kernels.html"
    private_files.write(path, kernels_page(matrices.read(run), run.name))
    return path
