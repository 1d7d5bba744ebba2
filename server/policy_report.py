"""What can be said of the policy now: its rules with their counters, and what became of it since it was loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from server import baseline, drift, rules, ruleset, sampling, syn_rules
from server.ruleset import Ruleset

TYPE_CHECKING = False
if TYPE_CHECKING:  # at run time typing would cost each sample 5 ms
    from server.baseline import Baseline


def read() -> Ruleset | None:
    """Return the rules of this host; None if they cannot be read, and then `report` says why."""
    try:
        return ruleset.read()
    except (ruleset.Unreadable, OSError):
        return None


def report(port: int, now: Ruleset | None = None, refusals: int | None = None) -> dict[str, object]:
    """Return what can be said of the rules, compared with what was loaded.

    `now` is a sample of them from before the server was asked, so that it has reported all they counted; `refusals`
    is how many it had reported then.

    `unknown` says why nothing could be compared, null otherwise. `difference`: what is not as it was loaded.
    `went_back`: rules whose counters are lower than they were, and when that was seen. `uncounted`: connections that
    no rule counts, because they are older than its count (`at_least`, `at_most`, and both by source address in
    `sources`); null if no rule counts any.
    """
    try:
        with baseline.stored() as loaded:
            stale = now is None or sampling.older(loaded, now)
            if now is None or stale or sampling.refusals_since(loaded, refusals) > sampling.logged(now):
                now = ruleset.read()  # under the lock: two samples never pass each other
            now = drift.with_loaded_texts(loaded, now)
            connected = ruleset.connected(port)
            sampling.advance(loaded, now, list(connected), refusals)
            return {**_rules(now, port), **_comparison(loaded, now, connected)}
    except (baseline.NoBaseline, ruleset.Unreadable, OSError, ValueError) as reason:
        return _without_comparison(port, str(reason))


def _comparison(loaded: Baseline, now: Ruleset, connected: Mapping[str, str]) -> dict[str, object]:
    counting = any(rules.counts(rule) for rule in now.rules)
    return {
        "unknown": None,
        "file": loaded["policy"],
        "loaded": loaded["loaded"],
        "difference": drift.difference(loaded, now),
        "went_back": loaded["went_back"],
        "changed_meanwhile": now.generation != loaded["generation"],
        "uncounted": _uncounted(loaded, connected) if counting else None,
    }


def _uncounted(loaded: Baseline, connected: Mapping[str, str]) -> dict[str, object]:
    sure = Counter(connected[cookie] for cookie in loaded["uncounted"])
    unsure = Counter(connected[cookie] for cookie in loaded["unsure"])
    return {
        "at_least": sure.total(), "at_most": sure.total() + unsure.total(),
        "sources": {source: [sure[source], sure[source] + unsure[source]] for source in sorted(sure | unsure)},
    }  # fmt: skip


def _without_comparison(port: int, reason: str) -> dict[str, object]:
    try:
        listed = _rules(ruleset.read(), port)
    except (ruleset.Unreadable, OSError):
        listed = {"generation": None, "rules": [], "limit": None, "limits": []}
    nothing = dict.fromkeys(("file", "loaded", "changed_meanwhile", "uncounted"))
    return {**listed, **nothing, "unknown": reason, "difference": [], "went_back": []}


def _rules(now: Ruleset, port: int) -> dict[str, object]:
    """Return each rule, and whether it refuses on the way of a SYN to this host (`limits`, `limit`: to `port`)."""
    refusing = syn_rules.refusing(now.chains, now.rules)
    return {
        "generation": now.generation,
        "rules": [
            {
                "table": rule.table, "chain": rule.chain, "handle": rule.handle, "text": rule.text,
                "packets": rule.packets, "target": rules.target(rule.text), "refuses": rule in refusing,
            }
            for rule in now.rules
        ],
        "limit": syn_rules.limit(now.chains, now.rules, port),
        "limits": [rules.in_words(rule.text) for rule in syn_rules.refusing(now.chains, now.rules, port)],
    }  # fmt: skip
