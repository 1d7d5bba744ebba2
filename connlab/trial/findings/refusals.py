"""What the refused ones see, and rules that refuse the wrong ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connlab.trial.dialling.dial_words import letters, pattern
from connlab.trial.findings.evidence import Evidence, Finding, Kind, refusing_line
from connlab.trial.findings.openings import opened
from connlab.trial.hosts.observations import Dial
from connlab.trial.rules import rule_text


def refusal_rationed(evidence: Evidence) -> Iterator[Finding]:
    """Find rules that send an ICMP error to some whom they refuse, and to others nothing."""
    for tried in evidence.tried:
        told = {dial.judge for dial in tried.refused if dial.refusal == "icmp"}
        silent = {dial.judge for dial in tried.refused if dial.letter == "T"}
        if tried.limit and told & silent:
            whose = evidence.about(tried)
            yield Finding(
                f"{whose}: the first who are refused see an ICMP error, which is rationed; the others nothing",
                tried, refusing_line(evidence, tried), pattern(letters(tried.dials)),
            )  # fmt: skip


def refusal_silent(evidence: Evidence) -> Iterator[Finding]:
    """Find limits above which a client hears nothing."""
    for tried in evidence.tried:
        silent = bool(tried.refused) and all(dial.letter == "T" for dial in tried.refused)
        if tried.limit and silent and tried.reached and not opened(evidence, tried):
            whose = evidence.about(tried)
            yield Finding(
                f"{whose}: above the limit of {tried.limit} a client hears nothing, and tries for minutes",
                tried, refusing_line(evidence, tried), pattern(letters(tried.dials)),
            )  # fmt: skip


def upside_down(evidence: Evidence) -> Iterator[Finding]:
    """Find rules that refuse the first connections of a source and let more of them in."""
    for tried in evidence.tried:
        for name, dials in (
            ("burst", tried.seen["burst"].dials if "burst" in tried.seen else []),
            ("", tried.dials),
        ):
            rule = evidence.judging(dials[0]) if dials else None
            if rule and _first_refused(dials) and rule_text.limits(rule.text):
                whose = evidence.about(tried)
                yield Finding(
                    f"{whose}: the first connections are refused, and only more than that let in: it is upside "
                    "down",
                    tried, evidence.line(rule.place),
                    f"{pattern(letters(tried.dials))} one after another"
                    + (f", {pattern(letters(dials))} at once" if name else ""),
                )  # fmt: skip
                break


def _first_refused(dials: Sequence[Dial]) -> bool:
    refused = dials[0].letter in "RT" and dials[0].judge is not None and dials[0].judge.verdict == "drop"
    return refused and any(dial.letter == "E" for dial in dials)


KINDS = (
    Kind(
        "refusal-rationed",
        "of the dials that one rule refused, some saw an ICMP error and the others nothing",
        refusal_rationed,
    ),
    Kind("refusal-silent", "who is above a limit sees nothing at all", refusal_silent),
    Kind("upside-down", "the first connections of a source are refused, and more are let in", upside_down),
)
