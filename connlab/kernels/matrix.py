"""Claims on kernels: three at a time, each claim a cell with its verdict, or why it cannot be judged."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from connlab.base.errors import GaveUp, LabError
from connlab.base.model import Verdict
from connlab.base.settings import Settings
from connlab.cluster import engine, engine_machine, removal
from connlab.cluster.engine import Refused
from connlab.kernel.measured_kernels import EXACT_PACED, measured
from connlab.kernels import archive, engine_lab, guest_lab
from connlab.kernels.archive import Kernel
from connlab.kernels.claim_lab import ClaimLab
from connlab.kernels.claims.cell import Cell
from connlab.kernels.claims.registry import CLAIMS, groups
from connlab.kernels.guest import guest
from connlab.kernels.side_by_side import CLAIMS_AT_A_TIME, of_each

GAVE_UP = "gave up"  # the status of a kernel that did not boot in time
GUEST, ENGINE = "guest", "engine"  # where a kernel ran
CLIENTS = 2
# What every lab has here, whatever the user's own is.
KNOBS = {
    "SYSCTL": "stock", "CLIENT_SYSCTL": "stock", "FIREWALL": "connlimit", "CONNLIMIT": "15", "SERVER_MODE": "threading",
    "WORKLOAD": "idle", "LOG_FORMAT": "json", "BACKLOG": "1024", "LISTEN": "0.0.0.0", "PORT": "12345",
}  # fmt: skip
Tell = Callable[[str], None]


def measure(
    settings: Settings, kernels: Sequence[Kernel], claims: Sequence[str], tell: Tell
) -> dict[str, Any]:
    """Return the matrix: a row of `kernels` for each, and a cell for each claim on it."""
    settings = dataclasses.replace(settings, values={**settings.values, **KNOBS})
    archive.make_emulator(settings, kernels)
    rows = of_each(
        kernels,
        CLAIMS_AT_A_TIME,
        lambda kernel, ended: _row(settings, kernel, claims, tell, ended),
        lambda: removal.remove_project(engine_lab.project(settings)),
    )
    return {
        "schema": 1,
        "machine": engine_machine.described(),
        "kernels": [row for row, _ in rows],
        "cells": [cell for _, cells in rows for cell in cells],
    }


def _row(
    settings: Settings, kernel: Kernel, claims: Sequence[str], tell: Tell, ended: threading.Event
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    row: dict[str, Any] = {
        "version": kernel.release,
        "package": " ".join(kernel.packages),
        "uname": "",
        "status": "ran",
    }
    row["where"] = ENGINE if kernel.own else GUEST
    began = time.monotonic()
    cells: list[dict[str, Any]] = []
    try:
        with _lab(settings, kernel, row, ended) as lab, contextlib.closing(lab.agents):
            row["seconds"] = round(time.monotonic() - began, 1)
            tell(f"Linux {kernel.release} runs after {row['seconds']:g} s")
            for group in groups(claims):
                fresh = _cells(kernel, group, lab)
                cells += fresh
                if any(cell["reason"] for cell in fresh):
                    lab.server.run(["true"])  # raises if there is no host: then no claim can be judged
    except (LabError, Refused) as failed:  # the engine refuses what is asked of a guest that is gone
        row["status"] = GAVE_UP if isinstance(failed, GaveUp) else "cannot run"
        judged = {cell["claim"] for cell in cells}
        cells += [_unjudged(kernel, claim, failed) for claim in claims if claim not in judged]
    cells.sort(key=lambda cell: claims.index(cell["claim"]))
    if not ended.is_set():
        tell(f"Linux {kernel.release}: {row['status']}")
    return row, cells


@contextlib.contextmanager
def _lab(
    settings: Settings, kernel: Kernel, row: dict[str, Any], ended: threading.Event
) -> Iterator[ClaimLab]:
    if kernel.own:
        with engine_lab.engine_lab(settings, CLIENTS) as lab:
            row["uname"] = lab.server.run(["uname", "-rv"]).strip()
            yield lab
        return
    with guest(archive.image(settings, kernel), kernel.release, ended) as host:
        row["uname"] = host.run(["uname", "-rv"]).strip()
        yield guest_lab.start(host, settings, CLIENTS)


def _cells(kernel: Kernel, group: Sequence[str], lab: ClaimLab) -> list[dict[str, Any]]:
    if len(group) == 1:
        return [_cell(kernel, group[0], lab)]
    with ThreadPoolExecutor(len(group)) as pool:
        return list(pool.map(lambda claim: _cell(kernel, claim, lab), group))


def _cell(kernel: Kernel, claim: str, lab: ClaimLab) -> dict[str, Any]:
    began = time.monotonic()
    try:
        cell = CLAIMS[claim].measure(lab)
    except LabError as failed:
        return _unjudged(kernel, claim, failed)
    return {**_entry(kernel, claim, cell, ""), "seconds": round(time.monotonic() - began, 1)}


def _unjudged(kernel: Kernel, claim: str, why: Exception) -> dict[str, Any]:
    return _entry(kernel, claim, Cell(Verdict.CANNOT_RUN, {}, ""), engine.why(why).partition("\n")[0])


def _entry(kernel: Kernel, claim: str, cell: Cell, reason: str) -> dict[str, Any]:
    return {
        "kernel": kernel.release, "claim": claim, "verdict": str(cell.verdict), "figures": dict(cell.figures),
        "words": cell.words, "reason": reason,
    }  # fmt: skip


def contradictions(matrix: dict[str, Any]) -> list[str]:
    """Say which cells are otherwise than what was measured of the same kernel before."""
    found = []
    for cell in matrix["cells"]:
        known = measured(cell["kernel"])
        if cell["verdict"] == Verdict.CANNOT_RUN or known is None:
            continue
        if cell["claim"] == "burst" and (cell["verdict"] == Verdict.REFUTED) != known.locks_out:
            found.append(
                f"Linux {cell['kernel']}, burst: {cell['words']}; before: {known.bursts}, {known.refused_alone}"
            )
        if (
            cell["claim"] == "loopback"
            and cell["figures"]["rounds"][0].startswith(EXACT_PACED) != known.limits_loopback
        ):
            found.append(f"Linux {cell['kernel']}, loopback: {cell['words']}; before: {known.loopback}")
    return found
