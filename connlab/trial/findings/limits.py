"""Limits that nobody meets, and rules that no packet reaches."""

from __future__ import annotations

from collections.abc import Iterator

from connlab.trial.answer.unmet import Unmet
from connlab.trial.dialling.dial_words import letters, pattern
from connlab.trial.dialling.plan import Clients
from connlab.trial.dialling.tried import Tried
from connlab.trial.findings.evidence import Evidence, Finding, Kind, port_words
from connlab.trial.rules import rule_text, rule_verdicts
from connlab.trial.rules.ruleset import Rule

FAMILIES = {4: {"ip", "inet", "netdev"}, 6: {"ip6", "inet", "netdev"}}


def unlimited(evidence: Evidence) -> Iterator[Finding]:
    """Find open ports that some rule is to limit, and of which none that counts and decides judged any SYN."""
    told = {id(six) for _, six in _over_one_family(evidence)}
    for port, family in dict.fromkeys((each.row.port, each.row.family) for each in evidence.tried):
        mine = [each for each in evidence.tried if (each.row.port, each.row.family) == (port, family)]
        limiting = [rule for rule in evidence.limiting if _is_about(evidence, rule, port, family)]
        if (
            limiting
            and all(each.limit is None for each in mine)
            and not any(_limited(evidence, each) or id(each) in told for each in mine)
        ):
            judge = mine[0].judge
            yield Finding(
                f"{port_words(mine[0])} is open to any number of connections: no limit decides over its SYNs",
                mine[0], evidence.line(judge.place if judge else None), pattern(letters(mine[0].dials)),
            )  # fmt: skip
    yield from _gets_in_above(evidence)


def _gets_in_above(evidence: Evidence) -> Iterator[Finding]:
    """Find open ports of which a limiting rule judged some SYNs, and who is above it gets in all the same."""
    told = set()
    for tried in evidence.tried:
        for rule in evidence.limiting if tried.limit is None else ():
            words = _let_in(evidence, tried, rule) or _at_once(evidence, tried, rule)
            if words and (rule.place, tried.row.port, tried.row.family) not in told:
                told.add((rule.place, tried.row.port, tried.row.family))
                at_once = tried.seen["burst"].dials if "burst" in tried.seen else ()
                yield Finding(
                    f"{evidence.about(tried)} is open to any number of connections: {words}",
                    tried, evidence.line(rule.place), f"{pattern(letters(tried.dials))} one after another"
                    + (f", {pattern(letters(at_once))} at once" if at_once else ""),
                )  # fmt: skip


def _let_in(evidence: Evidence, tried: Tried, rule: Rule) -> str:
    """Tell of a rule that lets in up to its number that what is behind it lets in all others who came to it."""
    first = tried.first_match.get(rule.place)
    if first is None or rule_verdicts.verdict(rule.text) in ("", "refuse"):
        return ""
    others = [
        dial for dial, came in list(zip(tried.dials, tried.came, strict=False))[first:]
        if rule.place in came and rule.place not in dial.matched and dial.judge
    ]  # fmt: skip
    if not others:
        return ""
    mine = sum(rule.place in dial.matched for dial in tried.dials)
    who = dict.fromkeys(evidence.where(dial.judge.place) for dial in others if dial.judge)
    return f"{evidence.where(rule.place)} let in {mine} of {len(tried.dials)}, {' and '.join(who)} {len(others)} more"


def _at_once(evidence: Evidence, tried: Tried, rule: Rule) -> str:
    """Tell of a count of connections that it refuses of those that come at once, and of as many that are held none."""
    burst = tried.seen["burst"].dials if "burst" in tried.seen else ()
    first = next((number for number, dial in enumerate(burst) if rule.place in dial.matched), None)
    came = sum(rule.place in each for each in tried.came)
    if rule.place in tried.first_match or first is None or came <= first + 1:
        return ""
    if rule_text.refills(rule.text) or not rule_text.counts_connections(rule.text):
        return ""
    return f"{evidence.where(rule.place)} refuses some only where they come at once"


def never_reached(evidence: Evidence) -> Iterator[Finding]:
    """Find each limiting or refusing rule that saw no packet, though some were sent that it is about."""
    for unmet in evidence.unmet:
        rule, port = unmet.rule, unmet.port
        where = f", also not of those to port {port} that it is about" if port else ""
        text = f"no packet of any scenario matched this rule{where}{_instead(evidence, unmet)}"
        if unmet.made is not None:
            text = (
                f"this rule was not tried up to its number: no more than {unmet.made} connections that it is about"
                " were open, and it did not match"
            )
        elif unmet.at_once:
            text += " (it matched where all dial at once: there it counts what others refused)"
        elif not evidence.jumps.hooks(rule.place[:3]):
            text = f"no packet of any scenario came to this rule: nothing jumps to {rule.place[2]}"
        yield Finding(text, None, evidence.line(rule.place), rule.text)


def _instead(evidence: Evidence, unmet: Unmet) -> str:
    """Say which rules decided over dials that a rule is about; a policy decides after it."""
    before = sorted(evidence.where(judge.place) for judge in unmet.judges if judge.place[3])
    last = sorted(evidence.where(judge.place) for judge in unmet.judges if not judge.place[3])
    if before or not last:
        return f"; {' and '.join(before)} decided before" if before else ""
    diverted = [evidence.where(place) for place in unmet.diverted]
    what = f"{' and '.join(diverted)} sent them on otherwise" if diverted else "what it asks did not match"
    return f"; {what}, and {' and '.join(last)} let them in" if _all_in(unmet) else f"; {what}"


def _all_in(unmet: Unmet) -> bool:
    return all(judge.verdict == "accept" for judge in unmet.judges)


def ipv6_open(evidence: Evidence) -> Iterator[Finding]:
    """Find a limit over IPv4 where the same port is open over IPv6 to the same clients and no rule counts."""
    for four, six in _over_one_family(evidence):
        yield Finding(
            f"{evidence.about(four)} has a limit of {four.limit} over IPv4 and none over IPv6",
            six, None, f"IPv4 {pattern(letters(four.dials))}, IPv6 {pattern(letters(six.dials))}",
        )  # fmt: skip


def _over_one_family(evidence: Evidence) -> Iterator[tuple[Tried, Tried]]:
    """Yield rows of one port, interface and net of which that of IPv4 has a limit, and that of IPv6 none."""
    limited: dict[Clients, Tried] = {}
    for each in evidence.tried:
        if each.row.family == 4 and each.limit and each.reached:
            limited.setdefault(each.row.clients, each)
    for each in evidence.tried:
        is_open = each.row.family == 6 and each.limit is None and not each.reached
        if is_open and (four := limited.pop(each.row.clients, None)):
            yield four, each


def _is_about(evidence: Evidence, rule: Rule, port: int, family: int) -> bool:
    mine = rule.place[0] in FAMILIES[family] and family in rule_text.families(rule.text)
    return mine and evidence.jumps.about(rule, port)


def _limited(evidence: Evidence, tried: Tried) -> bool:
    """Tell whether a rule that counts, decides and is about the port judged a SYN of a row in any scenario."""
    about = [rule for rule in evidence.limiting if evidence.jumps.about(rule, tried.row.port)]
    deciding = {rule.place for rule in about if rule_verdicts.verdict(rule.text)}
    matched = {place for seen in tried.observations() for dial in seen.dials for place in dial.matched}
    return bool(deciding & (tried.reached | matched))


KINDS = (
    Kind(
        "unlimited",
        "no limiting rule judged any SYN of an open port, though the file has a limit that is about that port; or one"
        " judged some, and who is above it gets in all the same",
        unlimited,
    ),
    Kind(
        "never-reached",
        "a limiting or refusing rule, or a jump to a limit, saw no packet of any scenario, though some were sent that"
        " it is about; or they were no more than its number, which it says",
        never_reached,
    ),
    Kind(
        "ipv6-open",
        "there is a limit over IPv4, and none over IPv6, where the same port is open to the same clients",
        ipv6_open,
    ),
)
