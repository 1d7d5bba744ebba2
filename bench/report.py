"""The figures for eyes and for programs."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.text import Text

from bench.figures import FIGURES
from bench.samples import API, COMPOSE, LAB, Samples, middle, ratio
from connlab.base import private_files
from connlab.base.settings import HOME
from connlab.cli.show.terminal import console, new_table, styled

DIGITS = {"s": 2, "ms": 2, "MB": 1, "µs": 0, "/s": 0}
WORDS: Mapping[object, Text | str] = {True: styled("met", "green"), False: styled("not met", "red"), None: ""}


def figures(samples: Samples) -> list[dict[str, Any]]:
    """Return one entry for each claim that was measured."""
    return [
        {
            "key": claim.key,
            "what": claim.what.strip(" …"),
            "unit": claim.unit,
            "target": claim.target.text(claim.unit) if claim.target else None,
            "met": claim.target.met(samples[claim.key]) if claim.target else None,
            "ratio": ratio(samples[claim.key]),
            "medians": {peer: middle(values) for peer, values in samples[claim.key].items()},
            "samples": samples[claim.key],
        }
        for claim in FIGURES
        if claim.key in samples
    ]


def table(samples: Samples) -> None:
    """Return medians side by side; the ratio is the median of the pairs' ratios."""
    table_of_figures = new_table(
        "measured", ">lab", ">compose", ">API loop", ">lab/best", ">pairs", "target", ""
    )
    words = {claim.key: claim.what for claim in FIGURES}
    for figure in figures(samples):
        columns = (_number(figure["medians"].get(peer), figure["unit"]) for peer in (LAB, COMPOSE, API))
        times = figure["ratio"]
        table_of_figures.add_row(
            words[figure["key"]], *columns, f"{times:.2f}" if times else "",
            str(len(figure["samples"][LAB])), figure["target"] or "", WORDS[figure["met"]],
        )  # fmt: skip
    console().print(table_of_figures)


def save(document: dict[str, Any], name: str = "bench") -> Path:
    """Write runs/<UTC>/<name>.json and let runs/latest-<name> lead there; return the file."""
    runs = private_files.folder(HOME / "runs")
    folder = private_files.folder(runs / time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
    path = folder / f"{name}.json"
    private_files.write(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    private_files.lead(f"latest-{name}", folder)
    return path


def save_drawn(facts: Mapping[str, Any], name: str, chart: Mapping[str, Any], **fields: Any) -> Path:
    """Save figures, the machine that they are of, and a chart, for `lab report`; return the run's folder."""
    utc = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    folder = save({"schema": 1, "utc": utc, "machine": facts, **fields}, name).parent
    charts = private_files.folder(folder / name)
    for path, content in ((folder / "machine.json", facts), (charts / f"chart-{name}.json", chart)):
        private_files.write(path, json.dumps(content, indent=1) + "\n")
    return folder


def _number(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:,.{DIGITS[unit]}f} {unit}"
