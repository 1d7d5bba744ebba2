"""Which scenarios a row needs: first its limit, then what depends on it, then what that leaves open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from connlab.trial import addresses, crowd, marks, rule_text, scenarios
from connlab.trial.conductor import Conductor
from connlab.trial.observations import Observation, got_in, observation
from connlab.trial.pairs import pairs, share
from connlab.trial.plan import Plan, judged
from connlab.trial.ruleset import Place, Ruleset
from connlab.trial.tried import Tried

Work = Iterable[tuple[Callable[[Observation], None], Mapping[str, Any]]]


def run(conductor: Conductor, plan: Plan, ruleset: Ruleset) -> list[Tried]:
    """Try all rows; each scenario on fresh hosts, side by side with others."""
    tried = _told_apart(_first(conductor, plan, ruleset))
    mine = [each for each in tried if judged(ruleset, each.row.family)]
    sharing = _begin(conductor, (work for each in mine for work in _sharing(plan, each)))
    others = _begin(conductor, (work for each in mine for work in _second(plan, each)))
    held = _begin(conductor, _held(plan, mine, ruleset))
    sharing()
    last = _begin(conductor, (work for each in mine for work in _third(plan, each)))
    for end in (others, held, last):
        end()
    for work in [work for each in mine for work in _crowd(plan, each, ruleset)]:
        _begin(conductor, [work])()  # one after another: each has thousands of connections
    share(mine)
    for each in mine:
        # All of a net find the count used, others a part: but not what a rate gave back meanwhile.
        of_a_net = each.shared_prefix and got_in(each.outside) and not by_rate_alone(each, ruleset)
        if each.fewer(each.outside) and not of_a_net:
            each.shared_prefix = 0
    return tried


def by_rate_alone(each: Tried, ruleset: Ruleset) -> bool:
    """Tell whether a rate refused, or let in all who got in: it fills up again, so who comes late may get a part."""
    rates = _rates(ruleset)
    let_in = [dial.judge for dial in each.dials[: each.limit] if dial.judge]
    refused = each.judge is not None and each.judge.place in rates
    return refused or (bool(let_in) and all(judge.place in rates for judge in let_in))


def _rates(ruleset: Ruleset) -> set[Place]:
    """Return the rules that time alone gives back what they count."""
    return {
        rule.place for rule in ruleset.rules if rule_text.limits(rule.text) and rule_text.refills(rule.text)
    }


def _begin(conductor: Conductor, work: Work) -> Callable[[], None]:
    """Ask for scenarios; what is returned waits for their answers, and keeps them."""
    asked = list(work)
    numbers = conductor.begin([request for _, request in asked])

    def end() -> None:
        for (keep, request), answer in zip(asked, conductor.answers(numbers), strict=True):
            keep(observation(answer, request))

    return end


def _keep(kept: dict[Any, Observation], name: Any) -> Callable[[Observation], None]:
    return lambda seen: kept.__setitem__(name, seen)


def _first(conductor: Conductor, plan: Plan, ruleset: Ruleset) -> list[Tried]:
    """Find the limit of each row, and which rules that count its SYNs come as far as."""
    counting = [rule for rule in ruleset.rules if rule_text.limits(rule.text)]
    families = {rule.place: rule_text.families(rule.text) for rule in counting}
    rates = _rates(ruleset)
    mark = marks.step(ruleset, counting)
    requests = [scenarios.limit(plan, row, mark) for row in plan.rows]
    tried = []
    for row, request, answer in zip(plan.rows, requests, conductor.ask(requests), strict=True):
        seen = observation(answer, request)
        family = {place for place in families if row.family in families[place]}
        came = [each & family for each in marks.reached(seen, counting)]
        mine = frozenset[Place]().union(*came)
        tried.append(Tried(row, {"limit": seen}, mine, exact=not mine & rates, came=came))
    return tried


def _told_apart(tried: Sequence[Tried]) -> list[Tried]:
    """Leave out the rows of a net, or of an address of ours, whose SYNs the same rules judged as those of any."""
    kept: list[Tried] = []
    for each in tried:
        alike = [other for other in kept if _alike(other, each)]
        if not alike:
            kept.append(each)
    only = {(each.row.port, each.row.family, each.row.to) for each in kept}
    for each in kept:
        if sum(one[:2] == (each.row.port, each.row.family) for one in only) == 1:
            each.row = each.row._replace(to="any")
    return kept


def _alike(one: Tried, other: Tried) -> bool:
    where = one.row.port, one.row.family, one.row.via
    if where != (other.row.port, other.row.family, other.row.via):
        return False
    return _judges(one) == _judges(other)


def _judges(tried: Tried) -> object:
    matched = frozenset().union(*(dial.matched for dial in tried.dials))
    return {dial.judge for dial in tried.dials}, matched, tried.reached, tried.limit is None


def _sharing(plan: Plan, each: Tried) -> Work:
    if each.limit:
        sources = addresses.neighbours(each.row.source, each.row.net, plan.nets)
        yield _neighbours(each, sources), scenarios.neighbours(plan, each.row, each.limit, sources)


def _second(plan: Plan, each: Tried) -> Work:
    row, limit = each.row, each.limit
    yield _keep(each.seen, "live_untracked"), scenarios.live(plan, row, limit, tracked=False)
    yield _keep(each.seen, "live_tracked"), scenarios.live(plan, row, limit, tracked=True)
    if limit != 0 or each.reached:
        yield _keep(each.seen, "burst"), scenarios.burst(plan, row, limit)
    if row.net == "any" or each.reached:
        yield _keep(each.seen, "loopback"), scenarios.loopback(plan, row, limit)
        yield _keep(each.seen, "outgoing"), scenarios.outgoing(plan, row, limit)
    if each.reached:
        yield _keep(each.seen, "rate"), scenarios.rate(plan, row)
    if limit:
        yield _keep(each.seen, "freeing"), scenarios.freeing(plan, row, limit)
        yield _keep(each.seen, "all_closed"), scenarios.all_closed(plan, row, limit)


def _held(plan: Plan, tried: Sequence[Tried], ruleset: Ruleset) -> Work:
    for each, port, count in pairs(tried, ruleset):
        yield _keep(each.held, port), scenarios.held(plan, each.row, port, count)


def _third(plan: Plan, each: Tried) -> Work:
    """Check the net that shares: a neighbour inside it and one outside, each as often as the first source."""
    row = each.row
    if not each.limit:
        return
    width = 32 if row.family == 4 else 128
    prefix = width if each.shared_prefix is None else each.shared_prefix
    sources = addresses.neighbours(row.source, row.net, plan.nets)
    inside = sources.get(prefix, "")
    outside = next((sources[at] for at in sorted(sources, reverse=True) if at < prefix), "")
    each.sources = inside, outside
    named = {name: source for name, source in (("inside", inside), ("outside", outside)) if source}
    if named:
        yield _keep(each.seen, "two_more"), scenarios.two_more(plan, row, each.limit, named)


def _crowd(plan: Plan, each: Tried, ruleset: Ruleset) -> Work:
    """Fill the set that a row's limit is in, if it has a size that can be reached."""
    row = each.row
    if each.limit and (filling := crowd.sources(each, ruleset, plan.nets)):
        yield _keep(each.seen, "crowd"), scenarios.crowd(plan, row, each.limit, filling, row.source)


def _neighbours(each: Tried, sources: Mapping[int, str]) -> Callable[[Observation], None]:
    """Keep what neighbours got, and the shortest prefix whose neighbour found the count used.

    That is one whom the same rule refused as the first source. Rates that fill up again leave holes above it.
    """

    def keep(seen: Observation) -> None:
        each.seen["neighbours"] = seen
        judges = {dial.judge for dial in each.refused}
        others = zip(sources, seen.of("others"), strict=True)
        refused = [prefix for prefix, dial in others if dial.letter != "E" and dial.judge in judges]
        each.shared_prefix = min(refused) if refused else None

    return keep
