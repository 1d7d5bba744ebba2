"""Rules that saw no packet although some was sent that they are about: another rule decided before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from connlab.trial import facts, matches_only, rule_text, scenarios
from connlab.trial.conductor import Conductor
from connlab.trial.jumps import Jumps, jumps
from connlab.trial.observations import Judge, observation
from connlab.trial.plan import Plan, Row, judged
from connlab.trial.rules import idle, silent
from connlab.trial.ruleset import Place, Rule, Ruleset
from connlab.trial.tried import Tried

MOST, MOST_IN_ALL = 400, 6000  # dials of a row, and of a scenario: a rule that counts further is not asked


class Unmet(NamedTuple):
    """A rule that no packet came to; who decided over dials that it is about: none if nothing jumps to its chain."""

    rule: Rule
    port: int | None
    judges: Sequence[Judge]


def unmet(conductor: Conductor, plan: Plan, rules: Ruleset, tried: Sequence[Tried]) -> list[Unmet]:
    """Send what was sent once more where no rule decides anything, and see which idle rules match it then."""
    chains = jumps(rules)
    asleep = idle(rules.rules, tried)
    asleep += jumps_to_limits(chains, asleep, silent(rules.rules, tried))
    if not asleep:
        return []
    orphans = {rule.place for rule in asleep if not chains.hooks(rule.place[:3])}
    found = _could_match(conductor, plan, rules, tried, asleep)
    return [
        Unmet(rule, *found.get(rule.place, (None, [])))
        for rule in asleep
        if rule.place in orphans or rule.place in found
    ]


def jumps_to_limits(chains: Jumps, asleep: Sequence[Rule], quiet: Sequence[Rule]) -> list[Rule]:
    """Return the rules that saw no packet and jump to a limit that others came to; of another limit all is said."""
    awake = [rule for rule in chains.ruleset.rules if rule_text.limits(rule.text) and rule not in asleep]
    leading = {each for rule in awake for each in chains.ways_to(rule.place[:3])}
    return [rule for rule in quiet if rule.place in leading]


def _could_match(
    conductor: Conductor, plan: Plan, rules: Ruleset, tried: Sequence[Tried], asleep: Sequence[Rule]
) -> Mapping[Place, tuple[int, list[Judge]]]:
    """Return for each rule that dials match the port of the first of them, and who decided over that port's dials."""
    wanted = 1 + max((number for rule in asleep for number in facts.numbers(rules.words(rule))), default=0)
    texts = matches_only.texts(rules)
    groups: dict[tuple[int, str], list[Row]] = {}
    for each in tried:
        if judged(rules, each.row.family):
            groups.setdefault((each.row.family, each.row.via), []).append(each.row)
    counts = [min(wanted, MOST, MOST_IN_ALL // len(rows)) for rows in groups.values()]
    requests = [
        scenarios.undecided(plan, rows, texts, count)
        for rows, count in zip(groups.values(), counts, strict=True)
    ]
    judges = {each.row: [dial.judge for dial in each.dials if dial.judge] for each in tried}
    found: dict[Place, tuple[int, list[Judge]]] = {}
    answers = conductor.ask(requests)
    for rows, count, request, answer in zip(groups.values(), counts, requests, answers, strict=True):
        seen = observation(answer, request)
        place_of = matches_only.same_places(rules, seen.step("places")["places"])
        for number, dial in enumerate(seen.of("dial")):
            row = rows[number // count]
            for place in dial.matched & place_of.keys():
                found.setdefault(place_of[place], (row.port, list(dict.fromkeys(judges[row]))))
        for place in {place for dial in [*seen.of("out"), *seen.of("loopback")] for place in dial.matched}:
            if place in place_of:
                found.setdefault(place_of[place], (0, []))
    return found
