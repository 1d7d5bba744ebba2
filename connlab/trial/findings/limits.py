"""Limits that nobody meets, and rules that no packet reaches."""

from __future__ import annotations

from collections.abc import Iterator

from connlab.trial import facts
from connlab.trial.findings.evidence import Evidence, Finding, Kind
from connlab.trial.observations import letters, pattern
from connlab.trial.rules import matched, observations


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


KINDS = (
    Kind(
        "unlimited",
        "no limiting rule judged any SYN of an open port, and the file has a limit",
        unlimited,
    ),
    Kind("never-reached", "a limiting or refusing rule saw no packet of any scenario", never_reached),
)
