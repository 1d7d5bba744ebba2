"""What an emulated processor is too slow to measure: rates of seconds, whose rows are told apart as not tried."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from connlab.trial.answer.cannot_run import row_without, told_apart
from connlab.trial.dialling.tried import Tried
from connlab.trial.files.lines import Lines
from connlab.trial.hosts.machine import Machine
from connlab.trial.rules import rule_text
from connlab.trial.rules.ruleset import Rule, Ruleset

# What refills within the seconds that a scenario takes longer here than its dials would elsewhere.
OF_SECONDS = re.compile(
    r"--(?:limit|hashlimit(?:-above|-upto)?) \S+/s(?:ec(?:ond)?)?\b|\blimit rate (?:over )?\d+ ?\w*/second\b"
    r"|--seconds [1-9]\b|\btimeout \d{1,4}(?:ms|s)\b"
)
WHY = "it asks for a rate of seconds, and an emulated processor dials too slowly to meet one"


def rate_of_seconds(tried: Tried, ruleset: Ruleset) -> Rule | None:
    """Return the first rule that keeps a time of seconds and had a say in who gets in."""
    seen = tried.reached.union(*(dial.matched for dial in tried.dials))
    return next(
        (
            rule for rule in ruleset.rules
            if rule.place in seen and OF_SECONDS.search(ruleset.words(rule)) and not rule_text.only_logs(rule.text)
        ),
        None,
    )  # fmt: skip


def is_left_out(tried: Tried, ruleset: Ruleset, machine: Machine) -> bool:
    """Tell whether a machine cannot measure a row: it emulates its processor, and a rate of seconds had a say."""
    return not machine.is_engines and rate_of_seconds(tried, ruleset) is not None


def marked(
    answer: Mapping[str, Any], tried: Sequence[Tried], ruleset: Ruleset, lines: Lines
) -> dict[str, Any]:
    """Return an answer in which nothing is told of such rows, and nothing found about their ports."""
    without: dict[tuple[int, int], dict[str, Any]] = {}
    for each in tried:
        if rule := rate_of_seconds(each, ruleset):
            at = lines.rules.get(rule.place)
            judge = {"file": at.file if at else None, "line": at.line if at else None, "rule": rule.text}
            without[each.row.port, each.row.family] = row_without(each.row.port, each.row.family, judge, WHY)
    return told_apart(answer, without)
