"""Each rule with what it did over the whole trial: packets by its counter or the trace, and first SYNs decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from connlab.trial import ruleset
from connlab.trial.battery import Tried
from connlab.trial.loading import Loaded
from connlab.trial.observations import Observation
from connlab.trial.ruleset import Place


def entries(loaded: Loaded, tried: Sequence[Tried]) -> list[dict[str, Any]]:
    """Return `rules[]`: in the order of the host's list, with file and line where they are known."""
    seen = observations(tried)
    packets, decided = (
        matched(seen),
        Counter(dial.judge.place for each in seen for dial in each.dials if dial.judge),
    )
    result = []
    for rule in loaded.ruleset.rules:
        line = loaded.lines.rules.get(rule.place)
        result.append({
            "file": line.file if line else None, "line": line.line if line else None, "rule": rule.text,
            "packets": packets[rule.place], "decided": decided[rule.place],
        })  # fmt: skip
    return result


def observations(tried: Sequence[Tried]) -> list[Observation]:
    """Return every scenario's observation."""
    return [
        seen
        for each in tried
        for seen in (*each.seen.values(), *each.others.values(), *each.elsewhere.values())
    ]


def matched(seen: Sequence[Observation]) -> Counter[Place]:
    """Sum up the packets of each rule: its counter's, or the SYNs that the trace saw match it, where that is more."""
    total: Counter[Place] = Counter()
    for each in seen:
        traced = Counter(place for dial in each.dials for place in dial.matched)
        counted = {rule.place: rule.packets or 0 for rule in ruleset.read({"nft": each.listing}).rules}
        total += Counter({place: max(traced[place], counted.get(place, 0)) for place in {*traced, *counted}})
    return total
