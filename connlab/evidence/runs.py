"""A run's folder read again: where it ran, and the charts that its tests left."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from connlab.base import checkout
from connlab.base.errors import Unreadable, Usage
from connlab.base.settings import HOME
from connlab.evidence import vega_lite
from connlab.evidence.vega_lite import Spec

T = TypeVar("T")
OURS = ("machine.json", "*/verdict.json", "*/chart-*.json", "kernels.json")


def find(folder: str) -> Path:
    """Return the run's own folder (below the checkout, or a path), by its real name also for `latest`.

    A run is a folder in which something of ours was left: what it ran on, a verdict, a chart, a matrix. Raises `Usage`
    if it is none, and `NotFit` if there is no checkout that could have any.
    """
    run = HOME / folder
    if not folder or not _is_run(run):
        checkout.require(HOME)
        raise Usage(f"{folder!r} is no run", next_step="make test, which leaves one in runs/")
    return run.resolve()


def _is_run(folder: Path) -> bool:
    try:
        return any(next(folder.glob(pattern), None) for pattern in OURS)
    except OSError:  # a name that is too long, a folder that is not to be read
        return False


def machine(run: Path) -> dict[str, str]:
    """Read the kernel and the engine that the run had; empty if it left no word of them. Raises `Unreadable`."""
    path = run / "machine.json"
    return read(path, _machine) if path.exists() else {}


def _machine(facts: Any) -> dict[str, str]:
    try:
        return {"kernel": str(facts["kernel"]), "engine": f"Docker {facts['engine']['Version']}"}
    except (TypeError, KeyError, IndexError) as error:
        raise ValueError(f"no kernel and engine: {error!r}") from error


def charts(run: Path) -> dict[str, Spec]:
    """Every chart of the run, by its file. Raises `Unreadable`, a ValueError that names the file."""
    return {
        str(path.relative_to(run)): read(path, vega_lite.check) for path in sorted(run.glob("*/chart-*.json"))
    }


def read(path: Path, parse: Callable[[Any], T]) -> T:
    """Read a file of evidence, as `parse` understands its JSON; its ValueError becomes `Unreadable`, with the file."""
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise Unreadable(path, error) from error
