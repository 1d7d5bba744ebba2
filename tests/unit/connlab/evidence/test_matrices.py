"""A matrix of kernels in runs/: whose it is, which is the newest, and what is none."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from connlab.base.errors import Unreadable
from connlab.evidence import matrices
from tests.support.matrix import matrix


def one(release: str = "6.12.57", *, complete: bool = True) -> dict[str, Any]:
    """Return a matrix of one kernel and one claim."""
    return matrix({release: {"burst": ("holds", "15")}}, own="6.18.44", complete=complete)


def test_a_matrix_is_kept_for_its_user_alone(tmp_path: Path) -> None:
    """Each cell names the folder that it is in, and the newest has a name of its own."""
    folder = matrices.keep(one(), tmp_path)
    file = folder / matrices.FILE
    assert json.loads(file.read_text())["cells"][0]["evidence"] == f"runs/{folder.name}"
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "runs", folder, file)]
    assert modes == [0o700, 0o700, 0o600]
    assert (tmp_path / "runs" / matrices.LATEST).resolve() == folder
    newer = matrices.keep(one(), tmp_path)
    assert (tmp_path / "runs" / matrices.LATEST).resolve() == newer


def test_the_newest_that_suits_is_found(tmp_path: Path) -> None:
    """What suits is asked of each, the newest first; one that cannot be read is passed over."""
    assert matrices.newest(lambda _: True, tmp_path) is None
    first = matrices.keep(one("5.10.262"), tmp_path)
    matrices.keep(one("6.12.57", complete=False), tmp_path)
    broken = matrices.keep(one(), tmp_path)
    (broken / matrices.FILE).write_text("{")
    name, found = matrices.newest(lambda each: each["complete"], tmp_path)
    assert (name, found["kernels"][0]["version"]) == (first.name, "5.10.262")
    assert matrices.newest(lambda _: True, tmp_path)[1]["kernels"][0]["version"] == "6.12.57"


@pytest.mark.parametrize(
    "change",
    [
        {"kernels": None}, {"cells": [{}]}, {"cells": [3]}, {"sentences": []}, {"machine": {"kernel": "6.18"}},
        {"complete": "yes"}, {"contradictions": 3},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_matrix_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    """With the file and what is missing; no traceback."""
    (tmp_path / matrices.FILE).write_text(json.dumps({**one(), **change}))
    with pytest.raises(Unreadable, match=r"kernels\.json: no matrix of kernels"):
        matrices.read(tmp_path)
