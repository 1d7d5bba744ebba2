"""The history: each run's ratios, a line of runs/bench-history.jsonl, and which of them fell since.

A ratio is compared with up to `LAST` earlier runs of the same bench and machine, once there are `LEAST`. It fell
if it is worse than each of them, and by a tenth than their median. Ratios, not times: what else the machine
does meets both sides.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Literal, NamedTuple

from connlab.base import private_files
from connlab.base.errors import LabError
from connlab.base.settings import HOME

FILE = HOME / "runs" / "bench-history.jsonl"
LEAST, LAST = 3, 10
WORSE = 1.1
# A machine; its kernel and engine may change, which may be what cost.
SAME = ("cpus", "memory_bytes", "storage")

Better = Literal["less", "more"]
Line = dict[str, Any]


class Fall(NamedTuple):
    """A ratio that is worse than it was: now, the median of earlier runs, the worst of them, and how many they are."""

    key: str
    ratio: float
    median: float
    worst: float
    runs: int

    def text(self) -> str:
        """Say it in a sentence."""
        return (
            f"{self.key}: the ratio is {self.ratio:.2f}; of {self.runs} earlier runs of this machine the median is "
            f"{self.median:.2f}, the worst {self.worst:.2f}"
        )


def keep(
    bench: str, ratios: Mapping[str, float], better: Better, machine: Mapping[str, Any], file: Path = FILE
) -> list[Fall]:
    """Append a run's ratios, and return those that fell. Raises `LabError` if the history cannot be read or written."""
    line = {
        "schema": 1, "bench": bench, "utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "commit": _commit(),
        "machine": dict(machine), "better": better, "ratios": dict(ratios),
    }  # fmt: skip
    falls = fallen(line, read(file))
    private_files.folder(file.parent)
    try:
        # One write(2) at the end of the file: two benches of one checkout do not tear each other's lines.
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, private_files.FILE)
        with os.fdopen(descriptor, "a", encoding="utf-8") as history:
            history.write(json.dumps(line, ensure_ascii=False) + "\n")
    except OSError as error:
        raise LabError(f"{file} cannot be written", error.strerror) from error
    return falls


def read(file: Path = FILE) -> list[Line]:
    """Return the lines, the oldest first; none before the first run. Raises `LabError` with the line that is none."""
    if not file.exists():
        return []
    lines: list[Line] = []
    for number, text in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            line = json.loads(text)
            lines.append({key: line[key] for key in ("bench", "machine", "ratios")})
        except (ValueError, KeyError, TypeError) as error:
            raise LabError(
                f"{file}:{number} is no line of a history", error, next_step="delete the line"
            ) from error
    return lines


def fallen(line: Line, earlier: Sequence[Line]) -> list[Fall]:
    """List the ratios of a run that are worse than those of earlier ones, by the rule above."""
    comparable = [one for one in earlier if one["bench"] == line["bench"] and _same_machine(one, line)]
    falls = []
    for key, ratio in line["ratios"].items():
        before = [one["ratios"][key] for one in comparable if key in one["ratios"]][-LAST:]
        if len(before) < LEAST:
            continue
        middle, more = median(before), line["better"] == "more"
        worst = min(before) if more else max(before)
        if (ratio < min(worst, middle / WORSE)) if more else (ratio > max(worst, middle * WORSE)):
            falls.append(Fall(key, ratio, middle, worst, len(before)))
    return falls


def _same_machine(one: Line, other: Line) -> bool:
    return all(one["machine"].get(key) == other["machine"].get(key) for key in SAME)


def _commit() -> str | None:
    """Return what the checkout is of, `-dirty` if it was changed since; None outside a repository or without git."""
    argv = ["git", "-C", str(HOME), "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        result = subprocess.run(argv, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return result.stdout.strip() or None
