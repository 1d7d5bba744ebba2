"""A run's folder read again: where it ran, the charts that its tests left, and the pages drawn of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lab import report
from lab.chart import Chart
from lab.errors import Unreadable, Usage
from lab.settings import HOME


def find(folder: str) -> Path:
    """The run's own folder (below the checkout, or a path), by its real name also for `latest`. Raises `Usage`."""
    run = HOME / folder
    if not run.is_dir():
        raise Usage(f"{folder} is no run\n  next: make test, which leaves one in runs/")
    return run.resolve()


def machine(run: Path) -> dict[str, str]:
    """The kernel and the engine that the run had; empty if it left no word of them."""
    path = run / "machine.json"
    if not path.exists():
        return {}
    said = _json(path)
    engine = said.get("engine") if isinstance(said, dict) else None
    if not isinstance(engine, dict):
        raise Unreadable(f"{path}: not what a run says of its machine")
    return {"kernel": str(said.get("kernel", "")), "engine": f"Docker {engine.get('Version', '')}"}


def charts(run: Path) -> dict[str, Chart]:
    """Every chart of the run, by its file. Raises `Unreadable`, a ValueError that names the file."""
    found = {}
    for path in sorted(run.glob("*/chart-*.json")):
        try:
            found[str(path.relative_to(run))] = Chart.from_evidence(_json(path))
        except Unreadable:
            raise
        except ValueError as wrong:
            raise Unreadable(f"{path}: {wrong}") from wrong
    return found


def draw(run: Path, rows: Iterable[Mapping[str, Any]]) -> dict[str, Path]:
    """Write the page of each family that has charts, with these rows of claims; the pages by family. Raises `Usage`."""
    drawn, words, found = {}, list(rows), charts(run)
    if not found:
        raise Usage(
            f"{run} has no charts: no test left a chart-*.json in it\n  next: make test, or another run: ls runs/"
        )
    for family in sorted({chart.family for chart in found.values()}):
        ours = {source: chart for source, chart in found.items() if chart.family == family}
        drawn[family] = run / f"{family}.html"
        drawn[family].write_text(report.page(family, ours, words, run.name, machine(run)), encoding="utf-8")
    return drawn


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as wrong:
        raise Unreadable(f"{path}: {wrong}") from wrong
