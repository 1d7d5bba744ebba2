"""Which scenarios a row needs: first its limit, then what depends on it, then what that leaves open."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence

from connlab.trial.dialling import crowd, marks, own_dials, scenarios
from connlab.trial.dialling.dial_words import got_in
from connlab.trial.dialling.pairs import pairs, share
from connlab.trial.dialling.plan import Plan, Row, judged
from connlab.trial.dialling.rates import by_rate_alone, by_time, may_ration, may_turn, rates
from connlab.trial.dialling.tasks import Task, do, kept
from connlab.trial.dialling.told_apart import told_apart
from connlab.trial.dialling.tried import Tried
from connlab.trial.hosts import addresses
from connlab.trial.hosts.conductor import Conductor
from connlab.trial.hosts.observations import Observation
from connlab.trial.rules import rule_text
from connlab.trial.rules.ruleset import Place, Ruleset


def run(conductor: Conductor, plan: Plan, ruleset: Ruleset) -> list[Tried]:
    """Try all rows; each scenario on fresh hosts, side by side with others, as soon as it can be asked for."""
    groups: dict[tuple[int, int], list[Row]] = {}
    for row in plan.rows:
        groups.setdefault((row.port, row.family), []).append(row)
    limits: dict[Row, Tried] = {}
    chosen: dict[tuple[int, int], list[Tried]] = {}
    turning, rationing = may_turn(ruleset), may_ration(ruleset)

    def wanted(tried: Sequence[Tried]) -> list[Tried]:
        return [each for each in tried if judged(ruleset, each.row.family)]

    def known(row: Row, tried: Tried) -> Iterator[Task]:
        """Go on with a port and family once all its rows are known; and once all are, with what is held of others."""
        limits[row] = tried
        group = row.port, row.family
        if all(each in limits for each in groups[group]):
            chosen[group] = told_apart([limits[each] for each in groups[group]])
            for each in wanted(chosen[group]):
                at_once = turning or by_time(each, ruleset)
                yield from _dependent(plan, ruleset, each, at_once=at_once, rationing=rationing)
        if len(limits) == len(plan.rows):
            yield from _held(plan, wanted(_in_order(chosen, groups)), ruleset)

    do(conductor, _first(plan, ruleset, known, rationing=rationing))
    tried = _in_order(chosen, groups)
    mine = wanted(tried)
    for each in mine:
        do(conductor, _crowd(plan, each, ruleset))  # one after another: each has thousands of connections
    share(mine)
    for each in mine:
        # All of a net find the count used, others a part: but not what a rate gave back meanwhile.
        of_a_net = each.shared_prefix and got_in(each.outside) and not by_rate_alone(each, ruleset)
        if each.fewer(each.outside) and not of_a_net:
            each.shared_prefix = 0
    return tried


def _in_order(
    chosen: dict[tuple[int, int], list[Tried]], groups: dict[tuple[int, int], list[Row]]
) -> list[Tried]:
    """Return the rows that are left, in the order of the plan."""
    return [each for group in groups for each in chosen[group]]


def _first(
    plan: Plan, ruleset: Ruleset, known: Callable[[Row, Tried], Iterator[Task]], *, rationing: bool
) -> Iterator[Task]:
    """Find the limit of each row, and which rules that count its SYNs come as far as."""
    counting = [rule for rule in ruleset.rules if rule_text.limits(rule.text)]
    families = {rule.place: rule_text.families(rule.text) for rule in counting}
    timed = rates(ruleset)
    mark = marks.step(ruleset, counting)

    def limit(row: Row, seen: Observation) -> Iterator[Task]:
        family = {place for place in families if row.family in families[place]}
        came = [each & family for each in marks.reached(seen, counting)]
        mine = frozenset[Place]().union(*came)
        return known(row, Tried(row, {"limit": seen}, mine, exact=not mine & timed, came=came))

    for row in plan.rows:
        yield Task(scenarios.limit(plan, row, mark, segments=rationing), functools.partial(limit, row))


def _dependent(
    plan: Plan, ruleset: Ruleset, each: Tried, *, at_once: bool, rationing: bool
) -> Iterator[Task]:
    """Ask for what needs the limit alone; for the dial seconds after all is closed only where it may be refused."""
    row, limit = each.row, each.limit
    if limit:
        sources = addresses.neighbours(row.source, row.net, plan.nets)
        yield Task(
            scenarios.neighbours(plan, row, limit, sources), lambda seen: _neighbours(plan, each, seen)
        )
    yield kept(each.seen, "live_untracked", scenarios.live(plan, row, limit, tracked=False))
    yield kept(each.seen, "live_tracked", scenarios.live(plan, row, limit, tracked=True))
    if limit != 0 or each.reached:
        yield kept(each.seen, "burst", scenarios.burst(plan, row, limit))
    if limit and each.reached:
        yield kept(each.untraced, "bursts", scenarios.bursts(plan, row, limit))
    if row.net == "any" or each.reached:
        yield kept(each.seen, "loopback", scenarios.loopback(plan, row, limit))
        wanted = own_dials.wanted(plan, ruleset, row)
        yield kept(each.seen, "outgoing", scenarios.outgoing(plan, row, limit, wanted))
    if each.reached and rationing:
        yield kept(each.seen, "rate", scenarios.rate(plan, row))
    if limit:
        closing = kept(each.seen, "all_closed", scenarios.all_closed(plan, row, limit))
        yield Task(
            scenarios.freeing(plan, row, limit),
            lambda seen: _freeing(each, seen, [] if at_once else [closing]),
        )
        if at_once:
            yield closing


def _freeing(each: Tried, seen: Observation, closing: Sequence[Task]) -> Iterator[Task]:
    """Ask whether who closed all is still refused seconds later; who gets in right then has no reason to be."""
    each.seen["freeing"] = seen
    if seen.of("again")[0].letter != "E":
        yield from closing


def _neighbours(plan: Plan, each: Tried, seen: Observation) -> Iterator[Task]:
    """Keep what neighbours got, and the shortest prefix whose neighbour found the count used; then check it.

    That is one whom the same rule refused as the first source. Rates that fill up again leave holes above it.
    """
    each.seen["neighbours"] = seen
    judges = {dial.judge for dial in each.refused}
    sources = addresses.neighbours(each.row.source, each.row.net, plan.nets)
    others = zip(sources, seen.of("others"), strict=True)
    refused = [prefix for prefix, dial in others if dial.letter != "E" and dial.judge in judges]
    each.shared_prefix = min(refused) if refused else None
    yield from _check(plan, each)


def _check(plan: Plan, each: Tried) -> Iterator[Task]:
    """Check the net that shares: a neighbour inside it and one outside, each as often as the first source."""
    row = each.row
    width = 32 if row.family == 4 else 128
    prefix = width if each.shared_prefix is None else each.shared_prefix
    sources = addresses.neighbours(row.source, row.net, plan.nets)
    inside = sources.get(prefix, "")
    outside = next((sources[at] for at in sorted(sources, reverse=True) if at < prefix), "")
    each.sources = inside, outside
    named = {name: source for name, source in (("inside", inside), ("outside", outside)) if source}
    if each.limit and named:
        yield kept(each.seen, "two_more", scenarios.two_more(plan, row, each.limit, named))


def _held(plan: Plan, tried: Sequence[Tried], ruleset: Ruleset) -> Iterator[Task]:
    for each, port, count in pairs(tried, ruleset, plan.cap):
        yield kept(each.held, port, scenarios.held(plan, each.row, port, count))


def _crowd(plan: Plan, each: Tried, ruleset: Ruleset) -> Iterator[Task]:
    """Fill the set that a row's limit is in, if it has a size that can be reached."""
    row = each.row
    if each.limit and (filling := crowd.sources(each, ruleset, plan.nets)):
        yield kept(each.seen, "crowd", scenarios.crowd(plan, row, each.limit, filling, row.source))
