"""Limits that open what was shut."""

from __future__ import annotations

from collections.abc import Iterator

from connlab.trial.dialling.crowd import filled_set
from connlab.trial.dialling.dial_words import got_in, letters, pattern
from connlab.trial.dialling.tried import Tried
from connlab.trial.findings.evidence import Evidence, Finding, Kind
from connlab.trial.hosts.observations import Dial
from connlab.trial.rules import rule_ports, rule_text
from connlab.trial.rules.ruleset import Rule


def shut_port_opened(evidence: Evidence) -> Iterator[Finding]:
    """Find ports that no rule opens by name, and that a rule which counts lets some into."""
    for tried in evidence.tried:
        if rule := opened(evidence, tried):
            whose = evidence.about(tried)
            yield Finding(
                f"{whose}: nothing opens it by name, but {evidence.where(rule.place)} lets some in",
                tried, evidence.line(rule.place), pattern(letters(tried.dials)),
            )  # fmt: skip


def opened(evidence: Evidence, tried: Tried) -> Rule | None:
    """Return the rule that counts and let dials into a port that is shut otherwise and that nothing opens by name."""
    for dial in tried.dials:
        rule = evidence.judging(dial)
        if (
            dial.letter == "E"
            and rule
            and rule_text.limits(rule.text)
            and not _by_name(evidence, tried, dial)
        ):
            refused = [other.judge for seen in tried.observations() for other in seen.dials if other.judge]
            chains = evidence.loaded.ruleset.chains.values()
            shut = any(judge.verdict == "drop" and judge.place[3] == 0 for judge in refused) or any(
                chain.hook == "input" and chain.policy == "drop" and chain[:2] == rule.place[:2]
                for chain in chains
            )
            return rule if shut else None
    return None


def _by_name(evidence: Evidence, tried: Tried, dial: Dial) -> bool:
    """Tell whether a rule on the way of a dial, or one that jumped there, names its port."""
    ruleset = evidence.loaded.ruleset
    return any(
        rule_ports.names(ruleset.words(evidence.rules[place]), tried.row.port)
        for place in dial.matched
        if place in evidence.rules
    )


def set_full_opens(evidence: Evidence) -> Iterator[Finding]:
    """Find sets of sources that take no more, so that a new source is in no count."""
    for tried in evidence.tried:
        filled = filled_set(tried, evidence.loaded.ruleset) if "crowd" in tried.seen else None
        seen = tried.seen.get("crowd")
        if filled and seen and got_in(seen.of("newcomer")) is None and got_in(seen.of("crowd")) is None:
            rule, found = filled
            many, new = len(seen.of("crowd")), pattern(letters(seen.of("newcomer")))
            whose = evidence.about(tried)
            yield Finding(
                f"{whose}: the set takes {found.size} sources; while it is full a new one is not limited",
                tried, evidence.line(rule.place),
                f"{many} sources with one connection each, then a new one {new}",
            )  # fmt: skip


KINDS = (
    Kind(
        "shut-port-opened",
        "a port that nothing opens by name lets some in, by a rule that counts",
        shut_port_opened,
    ),
    Kind(
        "set-full-opens",
        "with as many sources as a set takes, a new source gets in without a limit",
        set_full_opens,
    ),
)
