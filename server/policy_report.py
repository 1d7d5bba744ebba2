"""What can be said of the policy now: its rules with their counters, and what became of it since it was loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from server import baseline, rules, ruleset

Report = dict


def read() -> ruleset.Ruleset | None:
    """The rules of this host; None if they cannot be read, and then `report` says why."""
    try:
        return ruleset.read()
    except (ruleset.Unreadable, OSError):
        return None


def report(port: int, now: ruleset.Ruleset | None = None, told: int | None = None) -> Report:
    """What can be said of the rules, compared with what was loaded.

    `now` is a look at them from before the server was asked, so that it has told of all they counted; `told` is how
    many refusals it had told of then.

    `unknown` says why nothing could be compared, null otherwise. `difference`: what is not as it was loaded.
    `went_back`: rules whose counters are lower than they were, and when that was seen. `uncounted`: connections that
    no rule counts, because they are older than its count (`at_least`, `at_most`, and both by source address in
    `sources`); null if no rule counts any.
    """
    try:
        with baseline.kept() as then:
            if now is None or baseline.older(then, now) or baseline.ahead(then, told) > baseline.logged(now):
                now = ruleset.read()  # alone: two looks never pass each other
            now = baseline.known(then, now)
            connected = ruleset.connected(port)
            baseline.advance(then, now, list(connected), told)
            return {**_rules(now, port), **_since(then, now, connected)}
    except (baseline.NoBaseline, ruleset.Unreadable, OSError, ValueError) as why:
        return _unknown(port, str(why))


def _since(then: baseline.Kept, now: ruleset.Ruleset, connected: Mapping[str, str]) -> Report:
    counting = any(baseline.counts(one) for one in now.rules)
    return {
        "unknown": None,
        "file": then["policy"],
        "loaded": then["loaded"],
        "difference": baseline.difference(then, now),
        "went_back": then["went_back"],
        "changed_meanwhile": now.generation != then["generation"],
        "uncounted": _uncounted(then, connected) if counting else None,
    }


def _uncounted(then: baseline.Kept, connected: Mapping[str, str]) -> dict:
    sure, unsure = (Counter(connected[one] for one in then[name]) for name in ("uncounted", "unsure"))
    return {
        "at_least": sure.total(), "at_most": sure.total() + unsure.total(),
        "sources": {source: [sure[source], sure[source] + unsure[source]] for source in sorted(sure | unsure)},
    }  # fmt: skip


def _unknown(port: int, why: str) -> Report:
    try:
        seen = _rules(ruleset.read(), port)
    except (ruleset.Unreadable, OSError):
        seen = {"generation": None, "rules": [], "limit": None, "limits": []}
    nothing = dict.fromkeys(("file", "loaded", "changed_meanwhile", "uncounted"))
    return {**seen, **nothing, "unknown": why, "difference": [], "went_back": []}


def _rules(now: ruleset.Ruleset, port: int) -> Report:
    """Each rule, and whether it refuses on the way of a SYN to this host (to `port`, for `limits` and `limit`)."""
    refusing = rules.refusing(now.chains, now.rules)
    return {
        "generation": now.generation,
        "rules": [
            {
                "table": one.table, "chain": one.chain, "handle": one.handle, "text": one.text,
                "packets": one.packets, "target": rules.target(one.text), "refuses": one in refusing,
            }
            for one in now.rules
        ],
        "limit": rules.limit(now.chains, now.rules, port),
        "limits": [rules.in_words(one.text) for one in rules.refusing(now.chains, now.rules, port)],
    }  # fmt: skip
