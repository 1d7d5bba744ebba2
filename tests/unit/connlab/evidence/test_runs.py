"""A run's folder read again: its machine, its families, its real name."""

from __future__ import annotations

import pytest

from connlab.base.errors import Unreadable, Usage
from connlab.evidence import runs
from connlab.evidence.recorder import RunFolder
from connlab.report.run import draw
from tests.support.charts import ROW, drain_chart, write_evidence

pytestmark = pytest.mark.xdist_group("drawing")  # see tests/unit/connlab/report/test_report.py


def test_the_machine_is_read_from_the_run(tmp_path):
    """As tests/conftest.py leaves it; nothing if there is nothing."""
    assert runs.machine(tmp_path) == {}
    write_evidence(tmp_path, "", "machine", {"kernel": "6.18", "engine": {"Version": "20.10", "Os": "linux"}})
    assert runs.machine(tmp_path) == {"kernel": "6.18", "engine": "Docker 20.10"}
    for wrong in (["?"], {"kernel": "6.18"}, {"kernel": "6.18", "engine": "old"}, 7):
        write_evidence(tmp_path, "", "machine", wrong)
        with pytest.raises(Unreadable, match=r"machine\.json: no kernel and engine"):
            runs.machine(tmp_path)
    (tmp_path / "machine.json").write_text("{")
    with pytest.raises(Unreadable, match=r"machine\.json: "):
        runs.machine(tmp_path)


def test_each_family_has_a_page(tmp_path):
    """With its own charts only; a page that is there is drawn again."""
    write_evidence(tmp_path, "test_a", "chart-a", drain_chart(title="of one"))
    write_evidence(tmp_path, "test_b", "chart-b", drain_chart(title="of another", family="backlog"))
    write_evidence(tmp_path, "test_b", "attempts", {"no": "chart"})
    rows = [{**ROW, "family": "backlog"}, {**ROW, "sentence": "of no page", "family": "sockets"}]
    assert draw(tmp_path, rows) == {
        family: tmp_path / f"{family}.html" for family in ("backlog", "time-wait")
    }
    pages = {path.name: path.read_text() for path in tmp_path.glob("*.html")}
    assert {name: ("of one" in source, "of another" in source) for name, source in pages.items()} == {
        "time-wait.html": (True, False),
        "backlog.html": (False, True),
    }


def test_no_run_and_no_charts_are_told(tmp_path):
    """What, why, and the next step."""
    with pytest.raises(Usage, match=r"'runs/never' is no run\n  next: make test"):
        runs.find("runs/never")
    write_evidence(tmp_path, "", "machine", {})
    with pytest.raises(Usage, match=r"has no charts: no test left a chart-\*\.json in it\n  next: make test"):
        draw(tmp_path, [])


def test_a_folder_of_others_is_no_run(tmp_path):
    """Something of ours is in a run: what it ran on, a verdict, a chart; a folder beside them makes none."""
    for folder in ("/etc", "/", "", ".", "tests", str(tmp_path), f"{tmp_path}/none", "a" * 300, "x\ny"):
        with pytest.raises(Usage, match="is no run\n  next: make test"):
            runs.find(folder)
    for name in ("machine", "test_a/verdict", "test_a/chart-x"):
        run = tmp_path / name.replace("/", "-")
        write_evidence(run, name.rpartition("/")[0], name.rpartition("/")[2], {})
        assert runs.find(str(run)) == run


def test_latest_is_called_by_its_name(tmp_path):
    """The page stays in the run that it shows, and says which."""
    run = RunFolder("2026-11-25", tmp_path)
    run.keep("", "machine", {})
    assert runs.find(str(tmp_path / "runs/latest")) == run.folder
