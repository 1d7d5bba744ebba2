"""Matrices of claims and kernels in runs/: kept by `lab kernels`, read again for a page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connlab.base import private_files
from connlab.base.errors import LabError
from connlab.base.settings import HOME
from connlab.evidence import runs

SUFFIX, FILE, LATEST = "-kernels", "kernels.json", "latest-kernels"
Matrix = Mapping[str, Any]
# What each row and each cell has.
ROW = ("version", "package", "uname", "status", "where")
CELL = ("kernel", "claim", "verdict", "words", "reason")


def keep(matrix: Matrix, home: Path = HOME) -> Path:
    """Keep a matrix in a folder of its own, each cell with the name of it; where it is. Raises `LabError`."""
    folder = home / "runs" / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S.%fZ}{SUFFIX}"
    for cell in matrix["cells"]:
        cell["evidence"] = f"runs/{folder.name}"
    private_files.folder(folder.parent)
    private_files.write(private_files.folder(folder) / FILE, json.dumps(matrix, indent=1))
    private_files.lead(LATEST, folder)
    return folder


def read(run: Path) -> Matrix:
    """Read the matrix of a run. Raises `Unreadable`."""
    return runs.read(run / FILE, _matrix)


def newest(suits: Callable[[Matrix], bool], home: Path = HOME) -> tuple[str, Matrix] | None:
    """Return the newest matrix that suits, with its run's name; None if there is none. What is not readable is none."""
    for folder in sorted((home / "runs").glob(f"[0-9]*{SUFFIX}"), reverse=True):
        try:
            matrix = read(folder)
        except LabError:
            continue
        if suits(matrix):
            return folder.name, matrix
    return None


def _matrix(record: Any) -> Matrix:
    """Check a matrix. Raises ValueError if it is something else."""
    try:
        for part, names in (("kernels", ROW), ("cells", CELL)):
            record[part] = [{**entry, **{name: str(entry[name]) for name in names}} for entry in record[part]]
        record["sentences"] = {str(claim): str(words) for claim, words in record["sentences"].items()}
        record["contradictions"] = [str(words) for words in record["contradictions"]]
        known = (record["complete"], record["machine"]["kernel"], record["machine"]["engine"]["Version"])
    except (TypeError, KeyError, AttributeError, IndexError) as error:
        raise ValueError(f"no matrix of kernels: {error!r}") from error
    if list(map(type, known)) != [bool, str, str]:
        raise ValueError("no matrix of kernels: where it was measured is not said")
    return dict(record)
