"""What somebody believes, and what real hosts say of it: claims as data, verdicts from the last run.

A verdict is never written here. A test that carries `@pytest.mark.claim(id)` gives it, with a line of
evidence that it measured; what this module prints is what the newest run in runs/ left.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lab import runs
from lab.model import Verdict

ARTICLE, LAB = "the article", "this lab"


@dataclass(frozen=True)
class Claim:
    """A sentence somebody believes, and who."""

    id: str
    sentence: str
    source: str = ARTICLE


@dataclass(frozen=True)
class Judged:
    """A claim with what the last run said of it; `verdict` is `not run` if it said nothing.

    Where tests of one claim differ, it depends; their lines of evidence say on what.
    """

    id: str
    sentence: str
    source: str
    verdict: str
    evidence: str
    test: str


CLAIMS = (
    Claim("backlog-limits-connections", "listen(5): five is the maximum number of connections, more are refused"),
    Claim("one-at-a-time", "The default server serves one client at a time; the next one's messages come later, glued"),
    Claim("glued-messages", "Messages arrive glued together because the server is iterative"),
    Claim("threads-serve-many", "Threading and forking servers serve many clients at once"),
    Claim("pool-bounds", "N threads that each call serve_forever bound the concurrency to N"),
    Claim("fifteen-per-source", "One source address is limited to 15 connections"),
    Claim("stalled-server-refuses", "A client within its limit is not refused, however slow the server is", LAB),
    Claim("reuse-restarts-at-once", "SO_REUSEADDR lets the server restart at once"),
    Claim("empty-address-is-reachable", "An empty bind address makes the server reachable from other hosts"),
    Claim("errno-tells-who-refused", "A client can tell a refusal by policy from a closed port", "folklore"),
    Claim("connect-takes-no-name", "connect takes an address, not a domain name"),
    Claim("three-families", "There are three address families: AF_UNIX, AF_INET, AF_INET6"),
    Claim("type-five", "Socket type 5 is SOCK_CONN_DGRAM"),
    Claim("client-address-is-bound", "client_address is the address that the server is bound to"),
    Claim("port-is-one-process", "A port number stands for one process"),
    Claim("triple-identifies", "Protocol, address and port identify a connection"),
    Claim("send-sends-all", "send sends all of the data"),
)  # fmt: skip


def judged(run: Path) -> Iterator[Judged]:
    """Every claim, with the verdict that the run in this folder left. Raises ValueError on an unknown claim."""
    verdicts = list(_verdicts(run))
    if unknown := {verdict["claim"] for verdict in verdicts} - {claim.id for claim in CLAIMS}:
        raise ValueError(f"{run}: verdicts on claims that nobody made: {', '.join(sorted(unknown))}")
    for claim in CLAIMS:
        ours = [verdict for verdict in verdicts if verdict["claim"] == claim.id]
        words = {verdict["verdict"] for verdict in ours} or {"not run"}
        yield Judged(
            claim.id, claim.sentence, claim.source,
            verdict=words.pop() if len(words) == 1 else Verdict.DEPENDS,
            evidence="; ".join(verdict["evidence"] for verdict in ours),
            test=re.split(r"[\[@]", ours[0]["test"])[0] if ours else "",
        )  # fmt: skip


def read(folder: str) -> list[Judged]:
    """Every claim, as the run in `folder` (below the checkout, or a path) left it. Raises `Usage`."""
    return list(judged(runs.find(folder)))


def in_markdown(rows: Iterable[Judged]) -> str:
    """The table that README.md carries."""
    lines = [f"{_judgement(row)} {row.evidence} |" for row in rows]
    return "\n".join(["| claim | who says so | verdict | evidence |", "|---|---|---|---|", *lines])


def contradictions(page: str, rows: Iterable[Judged]) -> list[str]:
    """Claims that were judged and of which `page` says something else; its evidence is that of one run."""
    return [row.id for row in rows if row.verdict != "not run" and _judgement(row) not in page]


def _judgement(row: Judged) -> str:
    return f"| {row.sentence} | {row.source} | **{row.verdict}** |"


def _verdicts(run: Path) -> Iterator[dict[str, str]]:
    for path in sorted(run.glob("*/verdict.json")):
        yield json.loads(path.read_text())
