"""What real hosts said of each claim, read from the evidence of a run.

A verdict is never written here. A test that carries `@pytest.mark.claim(id)` gives it, with a line of
evidence that it measured.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from connlab.base.model import Verdict
from connlab.evidence import runs
from connlab.evidence.claims import CLAIMS, Claim

NOT_RUN = "not run"
FIELDS = ("claim", "verdict", "evidence", "test")


@dataclass(frozen=True)
class Judged(Claim):
    """A claim with what the last run said of it.

    Where tests of one claim differ, it depends; their lines of evidence say on what.
    """

    verdict: str = NOT_RUN
    evidence: str = ""
    test: str = ""


def judged(run: Path) -> Iterator[Judged]:
    """Every claim, with the verdict that the run in this folder left. Raises `Unreadable` for a file that is none."""
    verdicts = [runs.read(path, _verdict) for path in sorted(run.glob("*/verdict.json"))]
    for claim in CLAIMS:
        matching = [verdict for verdict in verdicts if verdict["claim"] == claim.id]
        words = {verdict["verdict"] for verdict in matching} or {NOT_RUN}
        yield Judged(
            **asdict(claim),
            verdict=words.pop() if len(words) == 1 else Verdict.DEPENDS,
            evidence="; ".join(verdict["evidence"] for verdict in matching),
            test=re.split(r"[\[@]", matching[0]["test"])[0] if matching else "",
        )  # fmt: skip


def read(folder: str) -> list[Judged]:
    """Every claim, as the run in `folder` (below the checkout, or a path) left it. Raises `Usage`."""
    return list(judged(runs.find(folder)))


def _verdict(record: Any) -> dict[str, str]:
    """Check what a test left: `claim`, `verdict`, `evidence`, `test`. Raises ValueError if it is something else."""
    if not isinstance(record, dict) or any(not isinstance(record.get(name), str) for name in FIELDS):
        raise ValueError(f"no verdict, which has {', '.join(FIELDS)}, each a text")
    if record["claim"] not in {claim.id for claim in CLAIMS}:
        raise ValueError(f"a verdict on {record['claim']!r}, a claim that nobody made")
    if record["verdict"] not in list(Verdict):
        raise ValueError(f"verdict {record['verdict']!r} is none of: {', '.join(Verdict)}")
    return record
