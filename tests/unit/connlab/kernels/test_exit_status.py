"""The exit status of `lab kernels`: what the cells come to together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connlab.cli.main import run
from connlab.evidence import matrices
from connlab.kernels import archive, matrix
from connlab.kernels.archive import Kernel
from connlab.report import run as report

OWN = Kernel("6.18.44", (), ())
WHERE = {OWN.release: "engine"}
EXACT = {"claim": "burst", "verdict": "holds", "figures": {}, "words": "15 15 15 15 15; 0 of 30 refused"}
GONE = {"claim": "burst", "verdict": "cannot_run", "figures": {}, "words": "", "reason": "it is gone"}


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ([("6.12.118", "ran", EXACT)], 0),
        ([("6.12.57", "ran", EXACT)], 1),  # it was measured otherwise
        ([("6.12.57", "cannot run", GONE)], 0),
        ([("6.12.57", "gave up", GONE), ("6.12.118", "gave up", GONE)], 4),
        ([("6.12.57", "gave up", GONE), ("6.12.118", "ran", EXACT)], 0),
        ([("6.12.57", "gave up", GONE), (OWN.release, "ran", EXACT)], 4),  # of guests none booted
    ],
)
def test_the_exit_status(
    told: list[tuple[str, str, dict[str, Any]]], status: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A contradiction is a failure, and so is that no guest booted; a cell that cannot be judged says why."""
    known = [Kernel(release, (), ("p",)) for release, _, _ in told]
    rows = [
        {"version": name, "package": "p", "uname": "", "status": said, "where": WHERE.get(name, "guest")}
        for name, said, _ in told
    ]  # fmt: skip
    cells = [{"kernel": name, "reason": "", **cell} for name, _, cell in told]
    found = {"schema": 1, "machine": {}, "kernels": rows, "cells": cells}
    monkeypatch.setattr(archive, "listing", lambda _: known)
    monkeypatch.setattr(archive, "engines_own", lambda: OWN)
    monkeypatch.setattr(matrix, "measure", lambda *_: found)
    monkeypatch.setattr(matrices, "keep", lambda _: tmp_path)
    monkeypatch.setattr(report, "draw_kernels", lambda _: tmp_path)
    with pytest.raises(SystemExit) as ended:
        run(["kernels", "--json", "all"])
    assert ended.value.code == status
