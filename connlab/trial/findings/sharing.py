"""Who shares a count: a net, everybody."""

from __future__ import annotations

from collections.abc import Iterator

from connlab.trial import addresses
from connlab.trial.battery import Tried
from connlab.trial.findings.evidence import Evidence, Finding, Kind
from connlab.trial.lines import Line
from connlab.trial.observations import letters, pattern


def shared_by_net(evidence: Evidence) -> Iterator[Finding]:
    """Find where a neighbour within /N, N shorter than a whole address, finds the count used."""
    for tried in evidence.tried:
        if tried.limit and tried.shared_prefix:
            net = addresses.net_of(tried.row.source, tried.shared_prefix)
            yield Finding(
                f"port {tried.row.port}: all of a /{tried.shared_prefix} share one limit of {tried.limit}",
                tried, _refusing_line(evidence, tried), _checked(tried, net),
            )  # fmt: skip


def shared_by_all(evidence: Evidence) -> Iterator[Finding]:
    """Find where any source finds the count used, or gets fewer than it would alone."""
    for tried, row in zip(evidence.tried, evidence.rows, strict=True):
        if row["shared_by"] == "everybody":
            yield Finding(
                f"port {tried.row.port}: everybody together has {tried.limit} connections, not each client",
                tried, _refusing_line(evidence, tried), _checked(tried, "any net"),
            )  # fmt: skip


def _checked(tried: Tried, net: str) -> str:
    if not tried.sources:
        return ""
    seen = tried.seen["two_more"]
    inside, outside = tried.sources
    parts = [f"first source {pattern(letters(seen.of(3)))}"]
    steps = [4, 5] if inside and outside else [4]
    for step, name in zip(
        steps, [f"a neighbour in {net}"] * bool(inside) + ["one outside"] * bool(outside), strict=True
    ):
        parts.append(f"{name} {pattern(letters(seen.of(step)))}")
    return ", then ".join(parts)


def _refusing_line(evidence: Evidence, tried: Tried) -> Line | None:
    refused = next((dial for dial in tried.seen["limit"].dials if dial.letter != "E" and dial.judge), None)
    return evidence.line(refused.judge.place if refused and refused.judge else None)


KINDS = (
    Kind(
        "shared-by-net",
        "a neighbour within /N, N shorter than a whole address, finds the count used",
        shared_by_net,
    ),
    Kind(
        "shared-by-all",
        "any source finds the count used, or gets fewer than it would alone",
        shared_by_all,
    ),
)
