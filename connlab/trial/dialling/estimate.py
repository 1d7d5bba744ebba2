"""How long a trial will take, said before it starts where that is more than a person waits without a word."""

from __future__ import annotations

from connlab.trial.dialling.plan import Plan, judged
from connlab.trial.rules.ruleset import Ruleset

WORTH_A_WORD = 20.0  # seconds
# Measured on two cores: what the waits of one row take, the start and the work of each scenario, and how many there are
# of a row that rules look at.
LEAST, START, EACH = 12.0, 4.0, 0.11  # seconds
OF_A_ROW = 10


def seconds(plan: Plan, ruleset: Ruleset) -> float:
    """Estimate the seconds of a trial of these rows on two cores."""
    rows = [row for row in plan.rows if judged(ruleset, row.family)]
    return max(LEAST, START + EACH * (len(plan.rows) + OF_A_ROW * len(rows)))


def announcement(plan: Plan, ruleset: Ruleset) -> str:
    """Say how long it will take; nothing where that is short."""
    expected = seconds(plan, ruleset)
    if expected < WORTH_A_WORD:
        return ""
    return f"{len(plan.ports)} ports, {len(plan.rows)} rows: this takes about {expected:.0f} s"
