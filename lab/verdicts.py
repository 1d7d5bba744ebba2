"""What real hosts said of each claim, read from the evidence of a run.

A verdict is never written here. A test that carries `@pytest.mark.claim(id)` gives it, with a line of
evidence that it measured.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from lab import runs
from lab.claims import CLAIMS, Claim
from lab.model import Verdict

NOT_RUN = "not run"


@dataclass(frozen=True)
class Judged(Claim):
    """A claim with what the last run said of it.

    Where tests of one claim differ, it depends; their lines of evidence say on what.
    """

    verdict: str = NOT_RUN
    evidence: str = ""
    test: str = ""


def judged(run: Path) -> Iterator[Judged]:
    """Every claim, with the verdict that the run in this folder left. Raises ValueError on an unknown claim."""
    verdicts = list(_verdicts(run))
    if unknown := {verdict["claim"] for verdict in verdicts} - {claim.id for claim in CLAIMS}:
        raise ValueError(f"{run}: verdicts on claims that nobody made: {', '.join(sorted(unknown))}")
    for claim in CLAIMS:
        ours = [verdict for verdict in verdicts if verdict["claim"] == claim.id]
        words = {verdict["verdict"] for verdict in ours} or {NOT_RUN}
        yield Judged(
            **asdict(claim),
            verdict=words.pop() if len(words) == 1 else Verdict.DEPENDS,
            evidence="; ".join(verdict["evidence"] for verdict in ours),
            test=re.split(r"[\[@]", ours[0]["test"])[0] if ours else "",
        )  # fmt: skip


def read(folder: str) -> list[Judged]:
    """Every claim, as the run in `folder` (below the checkout, or a path) left it. Raises `Usage`."""
    return list(judged(runs.find(folder)))


def _verdicts(run: Path) -> Iterator[dict[str, str]]:
    for path in sorted(run.glob("*/verdict.json")):
        yield json.loads(path.read_text())
