"""Evidence is the user's alone, whatever the umask, and that of earlier versions is closed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from connlab.base import private_files
from connlab.base.errors import LabError
from connlab.evidence.recorder import RunFolder
from connlab.report.run import draw
from tests.support.charts import drain_chart, write_evidence

pytestmark = pytest.mark.xdist_group("drawing")  # see tests/unit/connlab/report/test_report.py


@pytest.fixture(params=["000", "022", "077", "777"])
def umask(request):
    """Set what the shell takes from the rights of new files."""
    before = os.umask(int(request.param, 8))
    yield
    os.umask(before)


def read_modes(top: Path) -> dict[str, str]:
    """Read the rights of a folder and of all in it, links apart."""
    paths = [top, *(path for path in top.rglob("*") if not path.is_symlink())]
    return {str(path.relative_to(top.parent)): f"{path.stat().st_mode & 0o777:o}" for path in paths}


def test_a_run_is_the_users_alone(tmp_path, umask):
    """Its folders, what tests keep, and the pages drawn of it."""
    run = RunFolder("2026", tmp_path)
    run.keep("", "machine", {"kernel": "6.18", "engine": {"Version": "28"}})
    run.keep("test_a", "chart-a", drain_chart())
    draw(run.folder, [])
    assert read_modes(tmp_path / "runs") == {
        "runs": "700", "runs/2026": "700", "runs/2026/machine.json": "600", "runs/2026/test_a": "700",
        "runs/2026/test_a/chart-a.json": "600", "runs/2026/time-wait.html": "600",
    }  # fmt: skip


def test_runs_of_before_are_closed(tmp_path):
    """All that an earlier version left open, when the next run begins; where a link leads stays as it was."""
    old = tmp_path / "runs" / "2025"
    write_evidence(old, "test_a", "verdict", {})
    (elsewhere := tmp_path / "elsewhere").mkdir()
    (elsewhere / "file").touch()
    (old / "link").symlink_to(elsewhere)
    (old / "link-to-file").symlink_to(elsewhere / "file")
    for path in (tmp_path / "runs", old, old / "test_a", elsewhere):
        path.chmod(0o777)
    for path in (old / "test_a/verdict.json", elsewhere / "file"):
        path.chmod(0o666)
    RunFolder("2026", tmp_path)
    assert set(read_modes(tmp_path / "runs").values()) == {"700", "600"}
    assert read_modes(elsewhere) == {"elsewhere": "777", "elsewhere/file": "666"}


def test_a_file_that_is_there_is_closed(tmp_path):
    """A page of before, drawn again."""
    path = tmp_path / "page"
    path.write_text("a longer text than the new one")
    path.chmod(0o666)
    private_files.write(path, "é")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == ("é".encode(), 0o600)


def test_what_cannot_be_written_is_said(tmp_path):
    """The path and why; no traceback."""
    (tmp_path / "file").touch()
    with pytest.raises(LabError, match=r"/file/x cannot be a folder of yours alone: Not a directory"):
        private_files.folder(tmp_path / "file" / "x")
    with pytest.raises(LabError, match=r"/file/x cannot be written: Not a directory"):
        private_files.write(tmp_path / "file" / "x", "")
    with pytest.raises(LabError, match=r" cannot be written: Is a directory"):
        private_files.write(tmp_path, "")
