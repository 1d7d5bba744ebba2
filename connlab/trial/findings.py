"""Findings: a closed set, each defined by what was observed (docs/try.md). One function a finding, in FINDINGS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from connlab.trial import addresses, facts
from connlab.trial.battery import Tried
from connlab.trial.lines import Line
from connlab.trial.loading import Loaded
from connlab.trial.observations import letters, pattern
from connlab.trial.plan import Plan
from connlab.trial.rules import matched, observations
from connlab.trial.ruleset import Place, Rule


class Evidence(NamedTuple):
    """All that a finding may look at."""

    loaded: Loaded
    plan: Plan
    tried: Sequence[Tried]
    rows: Sequence[Mapping[str, Any]]

    def line(self, place: Place | None) -> Line | None:
        """Return the line of a rule, if it is known."""
        return self.loaded.lines.rules.get(place) if place else None

    def limiting(self) -> list[Rule]:
        """Return the rules that count connections, packets or time."""
        return [rule for rule in self.loaded.ruleset.rules if facts.limits(rule)]


class Finding(NamedTuple):
    """One finding: a sentence in plain words, whose row it is about, the line, and the dials that show it."""

    text: str
    tried: Tried | None = None
    line: Line | None = None
    evidence: str = ""


Find = Callable[[Evidence], Iterator[Finding]]


def findings(evidence: Evidence) -> list[dict[str, Any]]:
    """Return `findings[]`, what matters first."""
    return [_entry(name, each) for name, find in FINDINGS.items() for each in find(evidence)]


def _entry(name: str, found: Finding) -> dict[str, Any]:
    file, line = found.line or (None, None)
    row = found.tried.row if found.tried else None
    return {
        "id": name, "file": file, "line": line, "port": row.port if row else None,
        "family": row.family if row else None, "text": found.text, "evidence": found.evidence,
    }  # fmt: skip


def unlimited(evidence: Evidence) -> Iterator[Finding]:
    """Find open ports of which no limiting rule judged any SYN, where the file has a limit."""
    if not evidence.limiting():
        return
    for tried in evidence.tried:
        dials = tried.seen["limit"].of(3)
        matched_a_limit = any(rule.place in dial.matched for dial in dials for rule in evidence.limiting())
        if tried.limit is None and not tried.reached and not matched_a_limit:
            judge = dials[0].judge
            yield Finding(
                f"port {tried.row.port} is open to any number of connections: no limiting rule sees its SYNs",
                tried, evidence.line(judge.place if judge else None), pattern(letters(dials)),
            )  # fmt: skip


def never_reached(evidence: Evidence) -> Iterator[Finding]:
    """Find each limiting or refusing rule that saw no packet of any scenario."""
    packets = matched(observations(evidence.tried))
    for rule in evidence.loaded.ruleset.rules:
        refuses = any(word in rule.text.split() for word in ("DROP", "REJECT", "drop", "reject"))
        if (facts.limits(rule) or refuses) and not packets[rule.place]:
            yield Finding(
                f"no packet came to this rule in any scenario: {rule.text}", None, evidence.line(rule.place)
            )


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


FINDINGS: Mapping[str, Find] = {
    "unlimited": unlimited,
    "never-reached": never_reached,
    "shared-by-net": shared_by_net,
    "shared-by-all": shared_by_all,
}
