"""What `doctor` and `up` say of a kernel: measured there first, then on one of its version, then a window."""

from __future__ import annotations

from pathlib import Path

import pytest

from connlab.actions.kernel_row import kernel_row
from connlab.evidence import matrices
from connlab.kernel.bug_windows import NARROW, STALE
from tests.support.matrix import matrix

WELL = "a burst leaves nothing behind, the limit holds over loopback"
BEFORE = "(measured on one of its version: docs/kernel.md, Epochs)"
LOCKED = {"burst": ("refuted", "15 0 0 0 0; 8 of 30 refused"), "loopback": ("holds", "15/5, then 15/5")}
EXACT = {"burst": ("holds", "15 15 15 15 15; 0 of 30 refused"), "loopback": ("refuted", "15/5, then 10/10")}


@pytest.mark.parametrize(
    ("release", "words", "wrong"),
    [
        ("6.18.44-x", f"{WELL} {BEFORE}", False),
        ("5.10.251", "one burst locks its source out, over loopback the limit does not hold (measured", True),
        ("6.12.96", f"{WELL} {BEFORE}; by its version: {NARROW}", True),
        ("6.12.58", f"{STALE}; not measured: run `lab kernels engine`", True),
        ("6.18.45", "no bug of connlimit is known of it; not measured: run `lab kernels engine`", False),
    ],
)  # fmt: skip
def test_without_a_run_of_its_own_tables_and_windows_are_told(tmp_path: Path, release, words, wrong):
    """Each says which of them it is; what nobody measured is not said to be well."""
    row = kernel_row(release, tmp_path)
    assert row.words.startswith(f"Linux {release}: {words}")
    assert row.wrong is wrong


def test_what_a_run_measured_on_this_kernel_is_told_first(tmp_path: Path):
    """Of the newest run that judged it; a guest of that version is another kernel, and so is another release."""
    first = matrices.keep(matrix({"6.18.44-x": LOCKED}, own="6.18.44-x"), tmp_path)
    matrices.keep(matrix({"6.18.44-x": EXACT}), tmp_path)  # a guest
    matrices.keep(matrix({"6.18.44-x": {"burst": ("cannot_run", "")}}, own="6.18.44-x"), tmp_path)
    row = kernel_row("6.18.44-x", tmp_path)
    assert row.words == (
        "Linux 6.18.44-x: one burst locks its source out, the limit holds over loopback"
        f" (measured: runs/{first.name})"
    )
    assert row.wrong
    assert "one of its version" in kernel_row("6.18.44-y", tmp_path).words
    newer = matrices.keep(matrix({"6.18.44-x": EXACT}, own="6.18.44-x"), tmp_path)
    assert kernel_row("6.18.44-x", tmp_path).words.endswith(f"(measured: runs/{newer.name})")


def test_a_measurement_does_not_hide_the_window(tmp_path: Path):
    """A distribution may have mended it; both are told, and a claim that was not measured is not."""
    matrices.keep(matrix({"6.12.58-x": {"burst": EXACT["burst"]}}, own="6.12.58-x"), tmp_path)
    row = kernel_row("6.12.58-x", tmp_path)
    assert row.words.startswith("Linux 6.12.58-x: a burst leaves nothing behind (measured: runs/")
    assert row.words.endswith(f"; by its version: {STALE}")
    assert row.wrong


def test_a_run_of_one_claim_hides_nothing_of_another(tmp_path: Path):
    """What an earlier run found wrong stays, and so does what was measured of the version; each says where."""
    first = matrices.keep(matrix({"6.18.44-x": LOCKED}, own="6.18.44-x"), tmp_path)
    loopback = {"6.18.44-x": {"loopback": LOCKED["loopback"]}}
    newer = matrices.keep(matrix(loopback, own="6.18.44-x"), tmp_path)
    row = kernel_row("6.18.44-x", tmp_path)
    assert row.words == (
        f"Linux 6.18.44-x: one burst locks its source out (measured: runs/{first.name}), "
        f"the limit holds over loopback (measured: runs/{newer.name})"
    )
    assert row.wrong
    other = matrices.keep(matrix({"6.18.44-y": loopback["6.18.44-x"]}, own="6.18.44-y"), tmp_path)
    assert kernel_row("6.18.44-y", tmp_path).words == (
        f"Linux 6.18.44-y: a burst leaves nothing behind {BEFORE}, "
        f"the limit holds over loopback (measured: runs/{other.name})"
    )
