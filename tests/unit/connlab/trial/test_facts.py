"""What rules name."""

from __future__ import annotations

from connlab.trial import facts
from connlab.trial.ruleset import Rule, Ruleset


def ruleset(*texts: str) -> Ruleset:
    """Return the rules of one chain."""
    return Ruleset({}, [Rule(("inet", "f", "in", at), text, None) for at, text in enumerate(texts)], {}, {})


def test_a_rule_that_was_never_loaded_names_its_port():
    """What was meant for it is of interest all the same."""
    there = ruleset("tcp dport 8081 accept")
    assert facts.facts(there, ["add rule inet f in tcp dport 22 accept"]).ports == [8081, 22]
