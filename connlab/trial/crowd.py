"""Sources that fill a set: a dynamic set of nft takes no more than its size, and a new source is then in no count."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from connlab.trial.ruleset import Rule, Ruleset, Set
from connlab.trial.tried import Tried

MOST = 4096  # sources; each holds a connection
FROM = {4: ("10.64.0.0/10", "172.16.0.0/12", "100.64.0.0/10"), 6: ("2001:db8:c000::/36", "fd55::/16")}
FILLED = re.compile(r"\b(?:add|update) @(\S+) \{")


def filled_set(tried: Tried, ruleset: Ruleset) -> tuple[Rule, Set] | None:
    """Return the rule that refused and the set that it fills, if the set has a size that can be reached."""
    rule = next((rule for rule in ruleset.rules if tried.judge and rule.place == tried.judge.place), None)
    name = FILLED.search(rule.text) if rule else None
    if rule is None or name is None:
        return None
    found = ruleset.sets.get((rule.place[0], rule.place[1], name[1]))
    return (rule, found) if found and found.size and found.size <= MOST else None


def sources(tried: Tried, ruleset: Ruleset, nets: Sequence[str]) -> list[str]:
    """Choose as many sources as a set takes, no two of which share a count; none if there is no such set."""
    filled = filled_set(tried, ruleset)
    prefix = (32 if tried.row.family == 4 else 128) if tried.shared_prefix is None else tried.shared_prefix
    if filled is None or not filled[1].size:
        return []
    for candidate in FROM[tried.row.family]:
        net = ipaddress.ip_network(candidate)
        step = 1 << net.max_prefixlen - prefix
        named = any(
            net.overlaps(other) for other in map(ipaddress.ip_network, nets) if other.version == net.version
        )
        if not named and step * (filled[1].size + 1) <= net.num_addresses:
            return [str(net[0] + step * (number + 1) + step // 2) for number in range(filled[1].size)]
    return []
