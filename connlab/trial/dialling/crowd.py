"""Sources that fill a set: a dynamic set of nft takes no more than its size, and a new source is then in no count."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from connlab.trial.dialling.tried import Tried
from connlab.trial.rules import rule_text
from connlab.trial.rules.ruleset import Rule, Ruleset, Set

MOST = 4096  # sources; each holds a connection
FROM = {4: ("10.64.0.0/10", "172.16.0.0/12", "100.64.0.0/10"), 6: ("2001:db8:c000::/36", "fd55::/16")}
FILLED = re.compile(r"\b(?:add|update) @(\S+) \{")


def filled_set(tried: Tried, ruleset: Ruleset) -> tuple[Rule, Set] | None:
    """Return the rule that counted who was refused and the set that it fills, if its size can be reached.

    It refused itself, or led to a chain that did.
    """
    matched = tried.refused[0].matched if tried.refused else frozenset()
    for rule in ruleset.rules:
        name = FILLED.search(rule.text) if rule.place in matched and rule_text.limits(rule.text) else None
        found = ruleset.sets.get((*rule.place[:2], name[1])) if name else None
        if found and found.size and found.size <= MOST:
            return rule, found
    return None


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
