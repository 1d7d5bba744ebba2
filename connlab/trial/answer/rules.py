"""Each rule with what it did over the whole trial: packets by its counter or the trace, and first SYNs decided."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from connlab.trial.dialling.tried import Tried
from connlab.trial.files.loading import Loaded
from connlab.trial.hosts.observations import Observation
from connlab.trial.rules import rule_text, rule_verdicts
from connlab.trial.rules.ruleset import Place, Rule

LOOPBACK = re.compile(r"-i lo\b|\biif(?:name)? \"?lo\b")


class Work(NamedTuple):
    """What the rules did in some scenarios: packets that each saw, first SYNs that each decided."""

    packets: Counter[Place]
    decided: Counter[Place]


def entries(loaded: Loaded, tried: Sequence[Tried]) -> list[dict[str, Any]]:
    """Return `rules[]`: in the order of the host's list, with file and line where they are known."""
    of = _work(tried)
    result = []
    for rule in loaded.ruleset.rules:
        line, done = loaded.lines.rules.get(rule.place), of(rule)
        result.append({
            "file": line.file if line else None, "line": line.line if line else None, "rule": rule.text,
            "packets": done.packets[rule.place], "decided": done.decided[rule.place],
        })  # fmt: skip
    return result


def idle(rules: Sequence[Rule], tried: Sequence[Tried]) -> list[Rule]:
    """Return the rules that count or refuse and that saw no packet of any scenario."""
    return [
        rule
        for rule in silent(rules, tried)
        if rule_text.limits(rule.text) or rule_verdicts.verdict(rule.text) == "refuse"
    ]


def silent(rules: Sequence[Rule], tried: Sequence[Tried]) -> list[Rule]:
    """Return the rules that saw no packet of any scenario."""
    of = _work(tried)
    return [rule for rule in rules if not of(rule).packets[rule.place]]


def _work(tried: Sequence[Tried]) -> Callable[[Rule], Work]:
    """Sum up what rules did.

    For a rule that counts connections a burst is left out where another one refused too, and so is loopback, if it is
    not about that: there SYNs that something else refused are counted, in the same jiffy (docs/kernel.md, J01), or as
    long as the kernel remembers them (C26).
    """
    named = [(name, one) for each in tried for name, one in [*each.seen.items(), *each.held.items()]]
    everything = _summed([one for _, one in named])
    bursts = [one for name, one in named if name in ("burst", "loopback")]
    exact = _summed([one for name, one in named if name not in ("burst", "loopback")])

    def of(rule: Rule) -> Work:
        by_connections = rule_text.counts_connections(rule.text) and not LOOPBACK.search(rule.text)
        if not by_connections:
            return everything
        own = _summed([one for one in bursts if _refused_alone(rule, one)])
        return Work(exact.packets + own.packets, exact.decided + own.decided)

    return of


def _refused_alone(rule: Rule, seen: Observation) -> bool:
    """Tell whether nobody else refused a dial."""
    return {dial.judge.place for dial in seen.dials if dial.judge and dial.judge.verdict == "drop"} == {
        rule.place
    }


def _summed(seen: Sequence[Observation]) -> Work:
    judges = (dial.judge.place for each in seen for dial in each.dials if dial.judge)
    return Work(matched(seen), Counter(judges))


def matched(seen: Sequence[Observation]) -> Counter[Place]:
    """Sum up the packets of each rule: its counter's, or what the trace saw match it, where that is more."""
    total: Counter[Place] = Counter()
    for each in seen:
        counted = each.counters
        total += Counter({
            place: max(each.traced[place], counted.get(place, 0)) for place in {*each.traced, *counted}
        })  # fmt: skip
    return total
