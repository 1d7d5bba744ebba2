"""Which row of the matrix of kernels the engine's own is: measured on it, on one of its version, or a window."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from connlab.base.settings import HOME
from connlab.evidence import matrices
from connlab.evidence.matrices import Matrix
from connlab.kernel.bug_windows import window
from connlab.kernel.measured_kernels import EXACT_PACED, measured

MEASURE = "run `lab kernels engine`"


class KernelRow(NamedTuple):
    """What is known, in a sentence, and whether something is wrong with connlimit there."""

    words: str
    wrong: bool


def kernel_row(release: str, home: Path = HOME) -> KernelRow:
    """Say what is known of a release (`uname -r`): what the newest run measured on it before any table or window."""
    locks_out, limits_loopback, where = _measured_here(release, home) or _measured_before(release)
    known = []
    if locks_out is not None:
        known.append("one burst locks its source out" if locks_out else "a burst leaves nothing behind")
    if limits_loopback is not None:
        known.append(
            "the limit holds over loopback" if limits_loopback else "over loopback the limit does not hold"
        )
    by_version = window(release)
    wrong = bool(locks_out) or limits_loopback is False or bool(by_version)
    if not known:
        words = by_version or "no bug of connlimit is known of it"
        return KernelRow(f"Linux {release}: {words}; not measured: {MEASURE}", wrong)
    beside = f"; by its version: {by_version}" if by_version else ""
    return KernelRow(f"Linux {release}: {', '.join(known)} (measured{where}){beside}", wrong)


def _measured_here(release: str, home: Path) -> tuple[bool | None, bool | None, str] | None:
    found = matrices.newest(lambda matrix: bool(_cells(matrix, release)), home)
    if found is None:
        return None
    name, matrix = found
    cells = _cells(matrix, release)
    burst, loopback = cells.get("burst", ("", ""))[0], cells.get("loopback", ("", ""))[1]
    return (
        burst == "refuted" if burst else None,
        loopback.startswith(EXACT_PACED) if loopback else None,
        f": runs/{name}",
    )


def _cells(matrix: Matrix, release: str) -> dict[str, tuple[str, str]]:
    """Return verdict and words of the claims that say which row it is, as they were judged on the engine's own."""
    own = {row["version"] for row in matrix["kernels"] if row["where"] == "engine"} & {release}
    return {
        cell["claim"]: (cell["verdict"], cell["words"])
        for cell in matrix["cells"]
        if cell["kernel"] in own
        and cell["claim"] in ("burst", "loopback")
        and cell["verdict"] != "cannot_run"
    }


def _measured_before(release: str) -> tuple[bool | None, bool | None, str]:
    known = measured(release)
    if known is None:
        return None, None, ""
    return known.locks_out, known.limits_loopback, " on one of its version: docs/kernel.md, Epochs"
