"""How long a trial will take, said before it starts where that is more than a person waits without a word."""

from __future__ import annotations

from connlab.trial.plan import Plan, judged
from connlab.trial.ruleset import Ruleset

WORTH_A_WORD = 25.0  # seconds
# Measured on two cores: what the longest scenario waits for, the work of each, how many a row has that rules look at.
LONGEST, EACH = 11.0, 0.1  # seconds
OF_A_ROW = 9  # and one for each other port, which is dialled while this one is full


def seconds(plan: Plan, ruleset: Ruleset) -> float:
    """Estimate the seconds of a trial of these rows on two cores."""
    rows = [row for row in plan.rows if judged(ruleset, row.family)]
    scenarios = len(plan.rows) + len(rows) * (OF_A_ROW + len(plan.ports) - 1)
    return LONGEST + EACH * scenarios


def announcement(plan: Plan, ruleset: Ruleset) -> str:
    """Say how long it will take; nothing where that is short."""
    expected = seconds(plan, ruleset)
    if expected < WORTH_A_WORD:
        return ""
    return f"{len(plan.ports)} ports, {len(plan.rows)} rows: this takes about {expected:.0f} s"
