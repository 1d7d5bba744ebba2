"""The same files tried on several kernels: each has an answer and a record of its own, and they are compared."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connlab.base import private_files
from connlab.base.errors import GaveUp, LabError, NotFit
from connlab.base.settings import HOME, Settings
from connlab.cluster import engine
from connlab.cluster.engine import Refused
from connlab.kernels import archive
from connlab.kernels.archive import Kernel
from connlab.kernels.side_by_side import TRIALS_AT_A_TIME, of_each
from connlab.trial.answer.differences import differences
from connlab.trial.answer.record import TrialRecord
from connlab.trial.hosts.guest_machine import of_guest
from connlab.trial.hosts.machine import Machine, of_engine

SUFFIX, FILE = "-try-each", "kernels.json"
EACH = 60.0  # seconds of a small file on two cores, boot and all, while another one runs beside it
Try = Callable[[Machine, TrialRecord], dict[str, Any]]
Tell = Callable[[str], None]
TRIED, CANNOT_RUN, GAVE_UP = "tried", "cannot run", "gave up"


def announcement(kernels: Sequence[Kernel]) -> str:
    """Say how long it takes."""
    minutes = len(kernels) / TRIALS_AT_A_TIME * EACH / 60
    return (
        f"{len(kernels)} kernels, {TRIALS_AT_A_TIME} at a time: a small file takes about {max(1, round(minutes))} min, "
        "and each kernel that was not here before 20 s more"
    )


def try_each(
    settings: Settings,
    kernels: Sequence[Kernel],
    new_record: Callable[[], TrialRecord],
    tried: Try,
    tell: Tell,
) -> dict[str, Any]:
    """Return the answer of each kernel, or why there is none, and where they differ."""

    def work(kernel: Kernel, ended: threading.Event) -> dict[str, Any]:
        record = new_record()
        told: dict[str, Any] = {
            "release": kernel.release, "package": " ".join(kernel.packages) or None, "uname": None, "status": TRIED,
            "reason": "", "evidence": None, "answer": None,
        }  # fmt: skip
        try:
            with _machine(settings, kernel, ended) as machine:
                told["uname"] = machine.kernel.entry["uname"]
                tell(f"Linux {kernel.release} runs")
                told["answer"] = tried(machine, record)
        except (LabError, Refused) as failed:  # the engine refuses what is asked of a guest that is gone
            told["status"] = GAVE_UP if isinstance(failed, GaveUp) else CANNOT_RUN
            told["reason"] = engine.why(failed)
        if record.folder.is_dir():
            told["evidence"] = f"runs/{record.folder.name}"
        if not ended.is_set():
            tell(f"Linux {kernel.release}: {told['status']}")
        return told

    archive.make_emulator(settings, kernels)
    rows = of_each(kernels, TRIALS_AT_A_TIME, work)
    answers = {row["release"]: row["answer"] for row in rows if row["answer"]}
    return {"schema": 1, "kernels": rows, "findings": differences(answers) if len(answers) > 1 else []}


@contextlib.contextmanager
def _machine(settings: Settings, kernel: Kernel, ended: threading.Event) -> Iterator[Machine]:
    if kernel.own:
        yield of_engine(settings)
        return
    with of_guest(settings, kernel, ended) as machine:
        yield machine


def exit_status(compared: Mapping[str, Any], of_answer: Callable[[Any], int]) -> int:
    """Return the highest status of all kernels; one that was not tried has that of its kind."""
    kinds = {CANNOT_RUN: NotFit.status, GAVE_UP: GaveUp.status}
    return max(kinds.get(row["status"], 0) or of_answer(row["answer"]) for row in compared["kernels"])


def keep(compared: Mapping[str, Any], home: Path = HOME) -> Path:
    """Keep what was compared in a folder of its own, and where each answer is; where it is. Raises `LabError`."""
    folder = home / "runs" / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S.%fZ}{SUFFIX}"
    private_files.folder(folder.parent)
    private_files.write(private_files.folder(folder) / FILE, json.dumps(compared, indent=1))
    return folder
