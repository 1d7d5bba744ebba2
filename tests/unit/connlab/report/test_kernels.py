"""A matrix of kernels as a page and as a table of docs/kernels.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from connlab.base.errors import LabError, Usage
from connlab.base.settings import HOME
from connlab.evidence import matrices, runs
from connlab.kernels.claims.registry import CLAIMS
from connlab.report import kernel_table
from connlab.report import run as report
from tests.support.matrix import matrix

OWN = "6.18.44-x"
HOLDS, REFUTED = ("holds", "15/5 | <b>"), ("refuted", "15 0 0")
WHOLE = {OWN: {"burst": HOLDS, "loopback": HOLDS}, "6.12.57": {"burst": REFUTED, "loopback": HOLDS}}
PLACE = "before\n<!-- kernels: make pages -->\nold\n<!-- /kernels -->\nafter\n"


def home(folder: Path, text: str = PLACE) -> Path:
    """Make a checkout with the page and no run."""
    (folder / "docs").mkdir()
    (folder / kernel_table.PAGE).write_text(text)
    return folder


def test_a_run_of_kernels_has_one_page(tmp_path: Path) -> None:
    """With every verdict, the figures, the sentences, why a cell is empty, and harmless words; the same each time."""
    cells = {**WHOLE, "5.10.257": {"burst": ("cannot_run", ""), "loopback": ("cannot_run", "")}}
    run = matrices.keep({**matrix(cells, own=OWN), "contradictions": ["6.12.57, burst: x"]}, tmp_path)
    pages = report.draw(run, [])
    assert pages == {"kernels": run / "kernels.html"}
    text = pages["kernels"].read_text()
    for words in (
        "6.18.44-x<small>the engine's own", "6.12.57<small>6.12.57-1", "15/5 | &lt;b&gt;", "15 0 0", "gone",
        '<span class="verdict refuted">refuted', '<span class="verdict cannot_run">not run', "Sentence of burst",
        run.name, "Otherwise than before: 6.12.57, burst: x", "Docker 20.10",
    ):  # fmt: skip
        assert words in text, words
    assert "<b>" not in text
    report.draw(run, [])
    assert pages["kernels"].read_text() == text


def test_a_run_that_is_a_matrix_is_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name, and as the newest; a folder that has none is no run."""
    monkeypatch.setattr(runs, "HOME", tmp_path)
    monkeypatch.setattr(runs.checkout, "require", lambda home: None)
    run = matrices.keep(matrix(WHOLE, own=OWN), tmp_path)
    assert runs.find(f"runs/{run.name}") == runs.find("runs/latest-kernels") == run
    with pytest.raises(Usage, match="is no run"):
        runs.find("runs")


def test_the_newest_whole_matrix_is_written_into_the_page(tmp_path: Path) -> None:
    """Neither one of chosen kernels nor one of which a cell is missing or could not be judged."""
    assert kernel_table.fill(home(tmp_path)) is None
    run = matrices.keep(matrix(WHOLE, own=OWN), tmp_path)
    matrices.keep(matrix({OWN: {"burst": REFUTED}}, own=OWN, complete=False), tmp_path)
    matrices.keep(matrix({**WHOLE, "7.3.4": {"burst": REFUTED}}, own=OWN), tmp_path)
    matrices.keep(matrix({OWN: {"burst": ("cannot_run", "")}}, own=OWN), tmp_path)
    path = kernel_table.fill(tmp_path)
    assert path == tmp_path / kernel_table.PAGE
    assert path.read_text() == (
        "before\n<!-- kernels: make pages -->\n"
        "| kernel | `burst` | `loopback` |\n|---|---|---|\n"
        "| 6.18.44-x (the engine's) | **holds** 15/5 \\| &lt;b> | **holds** 15/5 \\| &lt;b> |\n"
        "| 6.12.57 | **refuted** 15 0 0 | **holds** 15/5 \\| &lt;b> |\n"
        f"\nMeasured {run.name[:10]}.\n"
        "<!-- /kernels -->\nafter\n"
    )


def test_a_page_without_a_place_is_told(tmp_path: Path) -> None:
    """It stays as it is."""
    matrices.keep(matrix(WHOLE, own=OWN), home(tmp_path, "no place\n"))
    with pytest.raises(LabError, match="has 0 places for a table of kernels, not 1"):
        kernel_table.fill(tmp_path)
    assert (tmp_path / kernel_table.PAGE).read_text() == "no place\n"


def test_the_page_has_a_column_for_every_claim() -> None:
    """As `make pages` wrote it: all claims, and at least the five kernels of Debian's beside the engine's."""
    (text,) = kernel_table.BETWEEN.findall((HOME / kernel_table.PAGE).read_text())
    head, _, *rows = [line for line in text.splitlines() if line.startswith("|")]
    assert head == f"| kernel | {' | '.join(f'`{claim}`' for claim in CLAIMS)} |"
    assert len(rows) >= 6
