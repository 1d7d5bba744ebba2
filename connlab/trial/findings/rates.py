"""Limits that time frees, and not a connection that closes."""

from __future__ import annotations

from collections.abc import Iterator

from connlab.trial.answer.rows import kept_out
from connlab.trial.dialling.dial_words import letters, pattern
from connlab.trial.dialling.tried import Tried
from connlab.trial.findings.evidence import Evidence, Finding, Kind, refusing_line
from connlab.trial.hosts.observations import Dial
from connlab.trial.rules import rule_text, rule_verdicts
from connlab.trial.rules.ruleset import Place


def rate_not_count(evidence: Evidence) -> Iterator[Finding]:
    """Find dials that are refused although nothing of this source is open."""
    for tried in evidence.tried:
        if tried.limit == 0:
            continue
        again = tried.seen["freeing"].of("again") if "freeing" in tried.seen else []
        fast = [
            dial for dial in _rate(tried) if _dropped(dial) and not _may_be_jiffies(evidence, tried, dial)
        ]
        banned = bool(again) and again[0].letter != "D" and again[0].judge != tried.refused[0].judge
        if fast or (again and _dropped(again[0]) and not banned):
            opened = [dial.letter for dial in _rate(tried)]
            shown = (
                [f"opened and closed in turn: {opened.count('E')} of {len(opened)} get in"] if opened else []
            )
            shown += [f"all closed, then {pattern(letters(again))}"] if again else []
            whose = evidence.about(tried)
            yield Finding(
                f"{whose}: a source is refused although nothing of it is open{_period(evidence, tried)}",
                tried, refusing_line(evidence, tried, *(dial for dial in fast if dial.letter != "D")), "; ".join(shown),
            )  # fmt: skip


def bans(evidence: Evidence) -> Iterator[Finding]:
    """Find who is still refused after all is closed and some seconds passed, or then by another rule than before."""
    for tried in evidence.tried:
        if not tried.limit or "all_closed" not in tried.seen:
            continue
        after = tried.seen["all_closed"].of("after")[0]
        again = tried.seen["freeing"].of("again")[0]
        if _dropped(after):
            passed = f"{evidence.plan.patience:g} s"
            shown, what = after, f"still refused {passed} after all its connections are closed"
            dialled = pattern(tried.letters_of("all_closed", "dial"))
            story = f"{dialled}, all closed, after {passed} {after.letter}1"
        elif again.letter in "RT" and again.judge and again.judge.place[3] and again.judge != tried.judge:
            shown, what = again, "refused by another rule after all its connections are closed"
            first, more, then = (
                pattern(tried.letters_of("freeing", step)) for step in ("dial", "beyond", "again")
            )
            story = f"{first}, one closed and one more in its place, then {more}, all closed, then {then}"
        else:
            continue
        yield Finding(
            f"{evidence.about(tried)}: who has been refused is {what}{_period(evidence, tried)}",
            tried, evidence.line(shown.judge.place if shown.judge else None) or refusing_line(evidence, tried),
            story,
        )  # fmt: skip


def burst_locks_out(evidence: Evidence) -> Iterator[Finding]:
    """Find counts of connections that refuse who made a burst, though all of it is closed (kernel.md, "Epochs").

    Nothing is traced there: the rule is the one that refused who dialled in turn, and its counter tells the same.
    """
    for tried, row in evidence.with_rows():
        rule = evidence.rules.get(tried.judge.place) if tried.judge else None
        bursts = row["bursts"]
        if not bursts or not rule or not rule_text.counts_connections(rule.text):
            continue
        if kept_out(bursts) and _counted_all(tried, rule.place):
            yield Finding(
                f"{evidence.about(tried)}: a burst keeps its source out, though all of it is closed",
                tried, refusing_line(evidence, tried),
                f"{bursts['dials']} at once, all closed, again: {', '.join(map(str, bursts['established']))} get in; "
                f"then one at a time {bursts['alone_established']} of {bursts['alone']}",
            )  # fmt: skip


def _counted_all(tried: Tried, place: Place) -> bool:
    """Tell whether the counter of a rule, if it has one, has every dial of the bursts that did not get in."""
    seen = tried.untraced["bursts"]
    refused = sum(dial.letter != "E" for dial in seen.dials)
    return seen.counters.get(place, refused) >= refused


def _rate(tried: Tried) -> list[Dial]:
    return list(tried.seen["rate"].of("rate")) if "rate" in tried.seen else []


def _dropped(dial: Dial) -> bool:
    """Tell whether a rule or policy refused a dial, or what came after its SYN."""
    return dial.letter == "D" or (
        dial.letter in "RT" and dial.judge is not None and dial.judge.verdict == "drop"
    )


def _may_be_jiffies(evidence: Evidence, tried: Tried, dial: Dial) -> bool:
    """Tell whether a count of connections may have refused: it takes in what was closed within its jiffy (J01).

    Where what refused does not count itself, a rule that counts and lets in may have let go on.
    """
    rule = evidence.judging(dial)
    if rule is not None and rule_text.limits(rule.text):
        return rule_text.counts_connections(rule.text)
    counting = [place for place in tried.reached if rule_text.counts_connections(evidence.rules[place].text)]
    return any(_led_there(evidence.rules[place].text, matched=place in dial.matched) for place in counting)


def _led_there(text: str, *, matched: bool) -> bool:
    """Tell whether a count led to the rule that refused: above its number by a jump, or because it let go no more."""
    verdict = rule_verdicts.verdict(text)
    if rule_text.lets_up_to(text) or verdict in ("accept", "return"):
        return not matched
    return matched and verdict != "refuse"


def _period(evidence: Evidence, tried: Tried) -> str:
    """Tell the periods of the rules that made a dial be refused, in their own words.

    Those are rules that matched it and refuse or jump, and rules that would have let it in and did not match it.
    """
    texts = []
    for dial in tried.refused:
        for place, rule in evidence.rules.items():
            refuses = rule_verdicts.verdict(rule.text).startswith(("refuse", "jump"))
            if (place in dial.matched and refuses) or (place in tried.reached - dial.matched and not refuses):
                texts.append(rule_text.period(evidence.loaded.ruleset.words(rule)))
    periods = ", ".join(dict.fromkeys(text for text in texts if text))
    return f" ({periods})" if periods else ""


KINDS = (
    Kind(
        "burst-locks-out",
        "after a burst, all of which is closed, fewer of the next ones get in, or who dials alone is refused",
        burst_locks_out,
    ),
    Kind("rate-not-count", "a dial is refused although nothing of its source is open", rate_not_count),
    Kind(
        "bans",
        "a source is still refused after all is closed and 5 s passed, or then by a rule after the one that counted",
        bans,
    ),
)
