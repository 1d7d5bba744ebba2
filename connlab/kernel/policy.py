"""The policy of a running lab: is what was loaded in force, what does it limit, and which rules judged.

Pure, from what a sample of the server host says (server/policy_report.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connlab.base.errors import START_ANEW, LabError
from connlab.kernel.tables import Rule, Ruleset

NEXT = "make up loads it again; connections live on"


@dataclass(frozen=True)
class RulePackets:
    """How many packets each refusing rule matched between two samples; nothing if `problem` says that nobody knows."""

    rules: Sequence[tuple[Rule, int]]
    problem: str

    @property
    def total(self) -> int | None:
        """Packets of all refusing rules together; None if that is not known."""
        return None if self.problem else sum(packets for _, packets in self.rules)

    @property
    def certain(self) -> int:
        """The same for who cannot do without. Raises `LabError`."""
        if self.problem:
            raise LabError(self.problem)
        return sum(packets for _, packets in self.rules)


def policy_state(ruleset: Ruleset) -> dict[str, Any]:
    """Return what `status --json` says under `policy`.

    `state`: `in_force`, as it was loaded; `drift`, see `difference`; `none`, nothing refuses and none is meant to;
    `unknown`, see `why`. `uncounted`: connections older than the rule's count, at least; `uncounted_at_most` is
    another number where it is not known when the count began; both null if no rule counts connections.
    """
    report = ruleset.policy
    uncounted = report["uncounted"] or {"at_least": None, "at_most": None}
    return {
        "file": report["file"], "state": _state(ruleset), "why": report["unknown"], "loaded": report["loaded"],
        "difference": list(report["difference"]), "went_back": list(report["went_back"]),
        "limit": report["limit"], "limits": list(report["limits"]),
        "uncounted": uncounted["at_least"], "uncounted_at_most": uncounted["at_most"],
    }  # fmt: skip


def unknown_policy(why: str) -> dict[str, Any]:
    """Return the same where the server could not be sampled."""
    nulls = dict.fromkeys(("file", "loaded", "limit", "uncounted", "uncounted_at_most"))
    return {**nulls, "state": "unknown", "why": why, "difference": [], "went_back": [], "limits": []}


def _state(ruleset: Ruleset) -> str:
    if ruleset.policy["unknown"] is not None:
        return "unknown"
    if ruleset.policy["difference"]:
        return "drift"
    # A server refuses any file but this one in which nothing refuses (server/policy_file.py).
    return "in_force" if ruleset.policy["file"] != "none" else "none"


def describe_limit(policy: Mapping[str, Any]) -> str:
    """Say what the rules in the kernel limit: a number only where it is certain."""
    if policy["limit"] is not None:
        return f"{policy['limit']} connections per source address"
    return "; ".join(policy["limits"]) or "nothing is limited"


def notices(policy: Mapping[str, Any]) -> list[str]:
    """List what a person must know before believing a count; nothing if all is well."""
    lines = []
    if policy["state"] == "unknown":
        lines.append(f"policy unknown: it could not be compared with what was loaded: {policy['why']}")
        lines.append(f"  next: {START_ANEW}")
    if policy["state"] == "drift":
        lines.append(
            f"policy drift: the kernel's rules are not those of {policy['file']} as loaded at {policy['loaded']}"
        )
        lines += [f"  {line}" for line in policy["difference"]]
        lines.append(f"  next: {NEXT}")
    for one in policy["went_back"]:
        lines.append(f"counters went back, seen at {one['seen']} (zeroed?): {one['rule']}")
    return lines + _uncounted(policy["uncounted"], policy["uncounted_at_most"])


def _uncounted(lower: int | None, upper: int | None) -> list[str]:
    if not upper:
        return []
    if lower == upper:
        return [
            f"{upper} connection{'s' * (upper != 1)} from before {'is' if upper == 1 else 'are'} not counted"
        ]
    return [f"{lower} to {upper} connections from before may not be counted: rules were changed meanwhile"]


def packets_between(before: Ruleset, after: Ruleset) -> RulePackets:
    """How far the refusing rules' own counters moved from one sample to another.

    A transaction between them can have replaced a rule, or zeroed its counter: then nobody knows.
    """
    old = {(rule.table, rule.chain, rule.handle): rule.packets for rule in before.rules}
    moves = [
        (rule, rule.packets - old.get((rule.table, rule.chain, rule.handle), 0))
        for rule in after.rules
        if rule.refuses
    ]
    if None in (before.generation, after.generation):
        why = after.policy["unknown"] or before.policy["unknown"]
        return RulePackets((), f"the rules could not be read: {why}")
    if before.generation != after.generation:
        return RulePackets((), "the rules were changed meanwhile, so it is not known what they counted")
    if any(packets < 0 for _, packets in moves):
        return RulePackets(
            (), "the rules' counters went back meanwhile (zeroed), so it is not known what they counted"
        )
    return RulePackets(tuple(moves), "")


def describe_packets(change: RulePackets) -> str:
    """Which rules judged, by their own counters, in words."""
    if change.problem:
        return change.problem
    counts = [f"{packets} by `{rule.text}` ({rule.table})" for rule, packets in change.rules if packets]
    return "packets refused: " + "; ".join(counts) if counts else "no rule refused a packet"
