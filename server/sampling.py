"""What each sample of the rules adds to the baseline: counters that went back, sockets that no rule counts."""

from __future__ import annotations

from collections.abc import Sequence

from server import drift, rules
from server.baseline import new_sample, rule_key, timestamp
from server.ruleset import Ruleset

TYPE_CHECKING = False
if TYPE_CHECKING:  # at run time typing would cost each sample 5 ms
    from server.baseline import Baseline


def advance(baseline: Baseline, now: Ruleset, connected: Sequence[str], refusals: int | None) -> None:
    """Carry what is known from the last sample to this one: counters that went back, sockets that are not counted.

    A count is a rule's own, and begins anew when the rule is replaced, also by its like: `iptables -Z` does that to
    each rule whose counter is not 0, with its text and handle kept (C31). Who was connected at the sample before is
    then certainly not counted, who came since perhaps. Without a transaction no rule was replaced.
    """
    last = baseline["last"]
    counting = [rule for rule in now.rules if rules.counts(rule)]
    back = _lower_counters(baseline, now)
    logging = [rule for rule in drift.unchanged(baseline, now) if rules.target(rule.text) == "NFLOG"]
    if logging and refusals_since(baseline, refusals) > sum(rule.packets for rule in logging):
        back += [rule for rule in logging if rule not in back]
    known = {entry["rule"] for entry in baseline["went_back"]}
    baseline["went_back"] += [
        {"rule": rule.text, "seen": timestamp()} for rule in back if rule.text not in known
    ]
    sure, unsure = set(baseline["uncounted"]), set(baseline["unsure"])
    if now.generation != last["generation"]:
        replaced = [rule for rule in counting if rule in back or rule_key(rule) not in last["packets"]]
        sure |= set(last["connected"]) if replaced else set()
        unsure = set(connected)
    if not all(rules.only_syn(rule) for rule in counting):
        unsure, sure = unsure | sure, set()
    baseline["uncounted"] = [cookie for cookie in connected if cookie in sure]
    baseline["unsure"] = [cookie for cookie in connected if cookie in unsure - sure]
    baseline["last"] = new_sample(now, list(connected))


def refusals_since(baseline: Baseline, refusals: int | None) -> int:
    """Return how many refusals the server has counted since the policy was loaded; 0 if that is not known."""
    return 0 if refusals is None or baseline["refusals"] is None else refusals - baseline["refusals"]


def older(baseline: Baseline, now: Ruleset) -> bool:
    """Return whether this sample may be from before the last one, or shows what is worth a second sample."""
    return bool(now.generation != baseline["last"]["generation"] or _lower_counters(baseline, now))


def logged(now: Ruleset) -> int:
    """Return how many refusals the policy has reported to the server."""
    return sum(rule.packets for rule in now.rules if rules.target(rule.text) == "NFLOG")


def _lower_counters(baseline: Baseline, now: Ruleset) -> list[rules.Rule]:
    packets = baseline["last"]["packets"]
    return [rule for rule in now.rules if rule.packets < packets.get(rule_key(rule), 0)]
