"""Which row of the matrix of kernels the engine's own is: measured on it, on one of its version, or a window."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from connlab.base.settings import HOME
from connlab.evidence import matrices
from connlab.evidence.matrices import Matrix
from connlab.kernel.bug_windows import window
from connlab.kernel.measured_kernels import EXACT_PACED, Measured, measured

MEASURE = "run `lab kernels engine`"
BEFORE = " on one of its version: docs/kernel.md, Epochs"
BURST, LOOPBACK = "burst", "loopback"
# Of each claim that says which row a kernel is: what is said if it is well, and if it is not.
WORDS = {
    BURST: ("a burst leaves nothing behind", "one burst locks its source out"),
    LOOPBACK: ("the limit holds over loopback", "over loopback the limit does not hold"),
}


class KernelRow(NamedTuple):
    """What is known, in a sentence, and whether something is wrong with connlimit there."""

    words: str
    wrong: bool


def kernel_row(release: str, home: Path = HOME) -> KernelRow:
    """Say what is known of a release (`uname -r`): what was measured on it, on one of its version, and its window.

    Of each claim the newest run that judged it is told: one that measured a part hides nothing of an earlier one.
    """
    before = measured(release)
    found: dict[str, list[str]] = {}  # what was measured, by where that is told
    wrong = False
    for claim, (holds, fails) in WORDS.items():
        is_well, where = _measured_here(release, claim, home) or (_measured_before(before, claim), BEFORE)
        if is_well is not None:
            found.setdefault(where, []).append(holds if is_well else fails)
            wrong = wrong or not is_well
    by_version = window(release)
    wrong = wrong or bool(by_version)
    if not found:
        words = by_version or "no bug of connlimit is known of it"
        return KernelRow(f"Linux {release}: {words}; not measured: {MEASURE}", wrong)
    told = ", ".join(f"{', '.join(words)} (measured{where})" for where, words in found.items())
    beside = f"; by its version: {by_version}" if by_version else ""
    return KernelRow(f"Linux {release}: {told}{beside}", wrong)


def _measured_here(release: str, claim: str, home: Path) -> tuple[bool | None, str] | None:
    """Return whether the newest run that judged a claim on the engine's own kernel found it well, and which that is."""
    found = matrices.newest(lambda matrix: _cell(matrix, release, claim) is not None, home)
    if found is None:
        return None
    name, matrix = found
    cell = _cell(matrix, release, claim) or {}
    # Of two rounds over loopback the first says whether the limit holds there.
    is_well = cell["verdict"] != "refuted" if claim == BURST else str(cell["words"]).startswith(EXACT_PACED)
    return is_well, f": runs/{name}"


def _cell(matrix: Matrix, release: str, claim: str) -> Mapping[str, Any] | None:
    """Return the cell of a claim as it was judged on the engine's own kernel, if it is of this release."""
    if not any((row["version"], row["where"]) == (release, "engine") for row in matrix["kernels"]):
        return None
    cells = [cell for cell in matrix["cells"] if (cell["kernel"], cell["claim"]) == (release, claim)]
    return next((cell for cell in cells if cell["verdict"] != "cannot_run"), None)


def _measured_before(known: Measured | None, claim: str) -> bool | None:
    if known is None:
        return None
    return not known.locks_out if claim == BURST else known.limits_loopback
