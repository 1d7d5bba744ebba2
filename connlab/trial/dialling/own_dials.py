"""How often the server itself dials, so that a limit on the way out is met, and how many of these were open."""

from __future__ import annotations

from collections.abc import Sequence

from connlab.trial.dialling.plan import BEYOND, Plan, Row
from connlab.trial.dialling.tried import Tried
from connlab.trial.rules import facts, rule_text
from connlab.trial.rules.jumps import jumps
from connlab.trial.rules.ruleset import Rule, Ruleset

OUTWARD = {"output", "postrouting", "egress"}  # hooks of packets that leave


def wanted(plan: Plan, ruleset: Ruleset, row: Row) -> int:
    """Return how many dials go beyond the largest number that limits connections to a row's port on the way out.

    At most as many as the plan allows; 0 where nothing limits them.
    """
    chains = jumps(ruleset)
    numbers = [
        number
        for rule in ruleset.rules
        if rule_text.limits(rule.text)
        and chains.hooks(rule.place[:3]) & OUTWARD
        and rule.place[0] != ("ip6" if row.family == 4 else "ip")
        and row.family in rule_text.families(rule.text)
        and chains.about(rule, row.port)
        for number in facts.numbers(ruleset.words(rule))
    ]
    return min(max(numbers) + BEYOND, plan.cap) if numbers else 0


def most(rules: Ruleset, tried: Sequence[Tried], rule: Rule) -> int:
    """Return how many connections the server itself opened at most, in one scenario, to a port a rule is about."""
    chains = jumps(rules)
    about = [each for each in tried if chains.about(rule, each.row.port)]
    counts = [
        len(each.letters_of(*step)) for each in about for step in (("outgoing", "out"), ("loopback", "dial"))
    ]
    return max(counts, default=0)
