"""Rules that saw no packet although some was sent that they are about: another rule decided before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from connlab.trial.answer.rules import idle, matched, silent
from connlab.trial.dialling import own_dials, scenarios
from connlab.trial.dialling.plan import Plan, Row, judged
from connlab.trial.dialling.tried import Tried
from connlab.trial.hosts.conductor import Conductor
from connlab.trial.hosts.observations import Judge
from connlab.trial.rules import facts, matches_only, rule_text, rule_verdicts
from connlab.trial.rules.jumps import Jumps, jumps
from connlab.trial.rules.ruleset import Place, Rule, Ruleset

MOST, MOST_IN_ALL = 400, 6000  # dials of a row, and of a scenario: a rule that counts further is not asked


class Unmet(NamedTuple):
    """A rule that no packet came to; who decided over dials that it is about: none if nothing jumps to its chain.

    `diverted`: rules that these dials matched and that sent them elsewhere, or on as others; `made`: how many
    there were, if that is no more than the number of the rule, which then was not tried; `at_once`: it did match
    where dials were made at once, where a count of connections takes in what others refused (docs/kernel.md, J01).
    """

    rule: Rule
    port: int | None
    judges: Sequence[Judge]
    diverted: Sequence[Place] = ()
    made: int | None = None
    at_once: bool = False


def unmet(conductor: Conductor, plan: Plan, rules: Ruleset, tried: Sequence[Tried]) -> list[Unmet]:
    """Send what was sent once more where no rule decides anything, and see which idle rules match it then."""
    chains = jumps(rules)
    asleep = idle(rules.rules, tried)
    asleep += jumps_to_limits(chains, asleep, silent(rules.rules, tried))
    if not asleep:
        return []
    orphans = {rule.place for rule in asleep if not chains.hooks(rule.place[:3])}
    found = _could_match(conductor, plan, rules, tried, asleep)
    packets = matched([one for each in tried for one in each.observations()])
    return [
        told(rules, tried, rule, found.get(rule.place))._replace(at_once=packets[rule.place] > 0) for rule in asleep
        if rule.place in orphans or rule.place in found
    ]  # fmt: skip


def told(rules: Ruleset, tried: Sequence[Tried], rule: Rule, row: Row | int | None) -> Unmet:
    """Say what became of the dials of a row, or of the server's own (0), that match a rule where nothing is decided."""
    number = next(iter(facts.numbers(rules.words(rule))), 0)
    if row is None:
        return Unmet(rule, None, [])
    if isinstance(row, int):
        row = next(_untracked(rules, tried, rule), row)
    if isinstance(row, int):
        made = own_dials.most(rules, tried, rule)
        return Unmet(rule, 0, [], (), made if number and made <= number else None)
    (its,) = [each for each in tried if each.row == row]
    judges = list(dict.fromkeys(dial.judge for dial in its.dials if dial.judge))
    passed = frozenset[Place]().union(*(dial.matched for dial in its.dials))
    diverted = [
        each.place for each in rules.rules if each.place in passed and rule_verdicts.diverts(each.text)
    ]
    few = its.limit is None and 0 < len(its.dials) <= number
    return Unmet(rule, row.port, judges, diverted, len(its.dials) if few else None)


def _untracked(rules: Ruleset, tried: Sequence[Tried], rule: Rule) -> Iterator[Row]:
    """Yield rows that a rule is about and whose SYNs are not tracked: no count of connections ever has them."""
    chains = jumps(rules)
    off = {each.place for each in rules.rules if rule_verdicts.untracks(each.text)}
    for each in tried:
        if chains.about(rule, each.row.port) and any(off & dial.matched for dial in each.dials):
            yield each.row


def jumps_to_limits(chains: Jumps, asleep: Sequence[Rule], quiet: Sequence[Rule]) -> list[Rule]:
    """Return the rules that saw no packet and jump to a limit that others came to; of another limit all is said."""
    awake = [rule for rule in chains.ruleset.rules if rule_text.limits(rule.text) and rule not in asleep]
    leading = {each for rule in awake for each in chains.ways_to(rule.place[:3])}
    return [rule for rule in quiet if rule.place in leading]


def _could_match(
    conductor: Conductor, plan: Plan, rules: Ruleset, tried: Sequence[Tried], asleep: Sequence[Rule]
) -> Mapping[Place, Row | int]:
    """Return for each rule that dials match the row of the first of them; 0 for the server's own dials."""
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
    found: dict[Place, Row | int] = {}
    answers = conductor.observations(conductor.begin(requests))
    for rows, count, seen in zip(groups.values(), counts, answers, strict=True):
        place_of = matches_only.same_places(rules, seen.step("places")["places"])
        for number, dial in enumerate(seen.of("dial")):
            row = rows[number // count]
            for place in dial.matched & place_of.keys():
                found.setdefault(place_of[place], row)
        for place in {place for dial in [*seen.of("out"), *seen.of("loopback")] for place in dial.matched}:
            if place in place_of:
                found.setdefault(place_of[place], 0)
    return found
