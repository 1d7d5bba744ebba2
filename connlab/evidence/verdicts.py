"""What real hosts said of each claim, read from the evidence of one run or of all.

A verdict is never written here. A test that carries `@pytest.mark.claim(id)` gives it, with a line of
evidence that it measured.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from connlab.base import checkout
from connlab.base.errors import Unreadable
from connlab.base.model import Verdict
from connlab.base.settings import HOME
from connlab.evidence import runs
from connlab.evidence.claims import CLAIMS, Claim

NOT_RUN = "not run"
FIELDS = ("claim", "verdict", "evidence", "test")
CLAIMED = {claim.id for claim in CLAIMS}


@dataclass(frozen=True)
class Judgement(Claim):
    """A claim with what real hosts said of it, and the run in which they did (of several, the oldest).

    Where tests of one claim differ, it depends; their lines of evidence say on what.
    """

    verdict: str = NOT_RUN
    evidence: str = ""
    test: str = ""
    run: str = ""


def judgements(run: Path) -> Iterator[Judgement]:
    """Yield every claim, as this one run left it. Raises `Unreadable` for a file that is no verdict on a claim."""
    yield from _judge(_verdicts(run))


def newest_judgements(home: Path = HOME) -> list[Judgement]:
    """Return every claim with the newest verdict of each of its tests, over all runs; tests that are gone are left out.

    It looks back as far as the last run that judged every claim; before the first run no claim is judged. Raises
    `Unreadable` for a file that is no verdict.
    """
    latest: dict[tuple[str, str], dict[str, str]] = {}
    folders = [folder for folder in (home / "runs").glob("[0-9]*") if folder.is_dir()]
    for folder in sorted(folders, reverse=True):
        verdicts = [
            verdict for verdict in _verdicts(folder, strict=False) if _is_there(verdict["test"], home)
        ]
        for verdict in verdicts:
            latest.setdefault((verdict["claim"], verdict["test"].partition("@")[0]), verdict)
        if {verdict["claim"] for verdict in verdicts} >= CLAIMED:
            break
    if not latest:
        checkout.require()
    return list(_judge(list(latest.values())))


def read(folder: str | None) -> list[Judgement]:
    """Return every claim, as the run in `folder` (below the checkout, or a path) left it, or all runs without one.

    Raises `Usage`.
    """
    return newest_judgements() if folder is None else list(judgements(runs.find(folder)))


def _verdicts(run: Path, *, strict: bool = True) -> list[dict[str, str]]:
    """Return the verdicts that a run left; unless `strict`, those on claims that are no longer made are left out."""
    verdicts = []
    for path in sorted(run.glob("*/verdict.json")):
        verdict = runs.read(path, _verdict)
        if verdict["claim"] in CLAIMED:
            verdicts.append({**verdict, "run": run.name})
        elif strict:
            raise Unreadable(path, f"a verdict on {verdict['claim']!r}, a claim that nobody made")
    return verdicts


def _judge(verdicts: Sequence[Mapping[str, str]]) -> Iterator[Judgement]:
    for claim in CLAIMS:
        matching = [verdict for verdict in verdicts if verdict["claim"] == claim.id]
        words = {verdict["verdict"] for verdict in matching} or {NOT_RUN}
        yield Judgement(
            **asdict(claim),
            verdict=words.pop() if len(words) == 1 else Verdict.DEPENDS,
            evidence="; ".join(verdict["evidence"] for verdict in matching),
            test=re.split(r"[\[@]", matching[0]["test"])[0] if matching else "",
            run=min((verdict["run"] for verdict in matching), default=""),
        )  # fmt: skip


def _is_there(test: str, home: Path) -> bool:
    """Tell whether a file of the checkout still has the test of this name."""
    path, _, name = re.split(r"[\[@]", test)[0].rpartition("::")
    return f"def {name}(" in _text(home / path)


@functools.cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _verdict(record: Any) -> dict[str, str]:
    """Check what a test left: `claim`, `verdict`, `evidence`, `test`. Raises ValueError if it is something else."""
    if not isinstance(record, dict) or any(not isinstance(record.get(name), str) for name in FIELDS):
        raise ValueError(f"no verdict, which has {', '.join(FIELDS)}, each a text")
    if record["verdict"] not in list(Verdict):
        raise ValueError(f"verdict {record['verdict']!r} is none of: {', '.join(Verdict)}")
    return record
