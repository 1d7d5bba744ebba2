"""Rules that keep time: what they count comes back by itself, and how that shows in what was observed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from connlab.trial.dialling.tried import Tried
from connlab.trial.rules import rule_text, rule_verdicts
from connlab.trial.rules.ruleset import Place, Rule, Ruleset
from connlab.trial.rules.ruleset_reading import SET

TIMED = re.compile(
    r"-m (?:hashlimit|limit|quota|rateest|recent|set|statistic|time)\b"
    r"|\b(?:limit (?:rate|name)|meta (?:day|hour|time)|numgen|quota|timeout)\b"
)
# Who was let in may be refused later: by the clock, a list that forgets, a number of packets, what is not seen.
TURNING = re.compile(
    r"-m (?:quota|rateest|set|statistic|time)\b|! --(?:rcheck|update)\b"
    r"|\b(?:limit name|meta (?:day|hour|time)|numgen|quota|timeout)\b"
)
# What comes back while a source dials as often as it may, and once more: how many get in is then a matter of its pace.
OF_SECONDS = re.compile(
    r"--(?:limit|hashlimit(?:-above|-upto)?) \S+/s(?:ec(?:ond)?)?\b|\blimit rate (?:over )?\d+ ?\w*/second\b"
    r"|--seconds [1-9]\b|\btimeout \d{1,4}(?:ms|s)\b"
)
BELOW = re.compile(
    r"-m limit\b|--hashlimit-upto\b|\blimit rate (?!over\b)"
)  # matches more, the longer nobody came
ABOVE = re.compile(r"--hashlimit-above\b|--(?:rcheck|update)\b|\blimit rate over\b")  # matches less


def rates(ruleset: Ruleset) -> set[Place]:
    """Return the rules that time alone gives back what they count."""
    return {
        rule.place for rule in ruleset.rules if rule_text.limits(rule.text) and rule_text.refills(rule.text)
    }


def by_rate_alone(each: Tried, ruleset: Ruleset) -> bool:
    """Tell whether a rate refused, or let in all who got in: it fills up again, so who comes late may get a part."""
    places = rates(ruleset)
    let_in = [dial.judge for dial in each.dials[: each.limit] if dial.judge]
    refused = each.judge is not None and each.judge.place in places
    return refused or (bool(let_in) and all(judge.place in places for judge in let_in))


def by_time(each: Tried, ruleset: Ruleset) -> bool:
    """Tell whether a rule that keeps time saw a SYN of a row."""
    return any(TIMED.search(ruleset.words(rule)) for rule in _that_saw(each, ruleset))


def by_seconds(each: Tried, ruleset: Ruleset) -> bool:
    """Tell whether a rule that keeps a time of seconds had a say in who gets in; one that only logs has none."""
    return any(
        OF_SECONDS.search(ruleset.words(rule)) and not rule_text.only_logs(rule.text)
        for rule in _that_saw(each, ruleset)
    )


def _that_saw(each: Tried, ruleset: Ruleset) -> list[Rule]:
    """Return the rules that a SYN of a row came to, of those that count, or matched."""
    seen = each.reached.union(*(dial.matched for dial in each.dials))
    return [rule for rule in ruleset.rules if rule.place in seen]


def may_turn(ruleset: Ruleset) -> bool:
    """Tell whether a source that is let in now may be refused some seconds later, though it did nothing."""
    return _in_a_set(ruleset, "timeout") or any_turns(map(ruleset.words, ruleset.rules))


def may_ration(ruleset: Ruleset) -> bool:
    """Tell whether a rule may judge a packet by the time, or by what came before it, and not by who is connected.

    Only then does it matter how much a connection says, or how fast dials come of which one at most is open.
    """
    by_element = _in_a_set(ruleset, "timeout", "limit rate", "quota")
    return by_element or any(rule_text.may_ration(ruleset.words(rule)) for rule in ruleset.rules)


def _in_a_set(ruleset: Ruleset, *words: str) -> bool:
    """Tell whether a named set or map of nft has one of these words, of all of it or of an element."""
    # not in rules there: nft writes what iptables' hashlimit forgets as a timeout
    bodies = [body for _, body in SET.findall(ruleset.listing.get("nft", ""))]
    return any(word in body for word in words for body in bodies)


def any_turns(texts: Iterable[str]) -> bool:
    """Tell whether one of some rules may stop to let a source in, or begin to refuse it, by time alone."""
    return any(TIMED.search(text) and not _only_gives_back(text) for text in texts)


def _only_gives_back(text: str) -> bool:
    if TURNING.search(text):
        return False
    verdict = rule_verdicts.verdict(text)
    if verdict == "refuse":
        return not BELOW.search(text)
    if verdict == "accept":
        return not ABOVE.search(text)
    return not verdict and not rule_verdicts.diverts(text)  # it logs, or notes who came
