"""Who shares a count: a net, everybody, other ports."""

from __future__ import annotations

from collections.abc import Iterator

from connlab.trial.dialling.dial_words import got_in, letters, pattern
from connlab.trial.dialling.pairs import counted_by
from connlab.trial.dialling.tried import Tried
from connlab.trial.files.lines import Line
from connlab.trial.findings.evidence import Evidence, Finding, Kind, refusing_line
from connlab.trial.hosts import addresses
from connlab.trial.rules import rule_ports, rule_text

SHORTEST_MASK = 48  # bits of IPv6 that one customer may have (RFC 6177)


def shared_by_net(evidence: Evidence) -> Iterator[Finding]:
    """Find where a neighbour within /N, N shorter than a whole address, finds the count used."""
    for tried in evidence.tried:
        if tried.limit and tried.reached and tried.shared_prefix:
            net = addresses.net_of(tried.row.source, tried.shared_prefix)
            whose = evidence.about(tried)
            yield Finding(
                f"{whose}: all of a /{tried.shared_prefix} share one limit of {tried.limit}",
                tried, refusing_line(evidence, tried), _checked(tried, net),
            )  # fmt: skip


def shared_by_all(evidence: Evidence) -> Iterator[Finding]:
    """Find where any source finds the count used, or gets fewer than it would alone."""
    for tried, row in evidence.with_rows():
        if row["shared_by"] == "everybody" or (row["shared_by"] and tried.fewer(tried.outside)):
            whose, some = evidence.about(tried), got_in(tried.outside)
            net = (
                addresses.net_of(tried.row.source, tried.shared_prefix) if tried.shared_prefix else "any net"
            )
            yield Finding(
                f"{whose}: all clients share a part of the limit of {tried.limit}: beside another one gets {some}"
                if some else f"{whose}: all clients together share one limit of {tried.limit}",
                tried, _lessening_line(evidence, tried) if some else refusing_line(evidence, tried),
                _checked(tried, net),
            )  # fmt: skip


def _lessening_line(evidence: Evidence, tried: Tried) -> Line | None:
    """Return the line of the limit that lets in fewer of another source; of who refuses, where none lets in."""
    limits = [
        judge.place for judge in tried.lost(tried.outside)
        if (rule := evidence.rules.get(judge.place)) and rule_text.limits(rule.text)
    ]  # fmt: skip
    return evidence.line(limits[0]) if limits else refusing_line(evidence, tried)


def ports_share(evidence: Evidence) -> Iterator[Finding]:
    """Find ports that have a limit and find its count used by connections to another one."""
    for tried in evidence.tried:
        mine = [each for each in evidence.tried if each.row._replace(port=0) == tried.row._replace(port=0)]
        alike = [
            each for each in mine
            if each is tried or (
                tried.limit and each.limit == tried.limit
                and each.row.port in tried.ports and tried.row.port in each.ports
            )
        ]  # fmt: skip
        if tried.limit and len(alike) > 1 and tried.row.port == min(each.row.port for each in alike):
            other = next((each for each in alike if each.held), tried)
            ports = " and ".join(map(str, sorted(each.row.port for each in alike)))
            yield Finding(
                f"ports {ports} share one limit of {tried.limit}{_over(tried)}",
                tried, refusing_line(evidence, tried), _after_holding(other),
            )  # fmt: skip
        taking = sorted(
            tried.ports - {each.row.port for each in alike} - _not_named(evidence, tried) & tried.held.keys()
        )
        if taking:
            held = tried.held[taking[0]].of("dial")
            judge = next((dial.judge for dial in held if dial.letter != "E" and dial.judge), tried.judge)
            ports = f"port{'s' if len(taking) > 1 else ''} {' and '.join(map(str, taking))}"
            yield Finding(
                f"{evidence.about(tried)}: connections to {ports} take places of its limit of {tried.limit}",
                tried, evidence.line(judge.place if judge else None) or refusing_line(evidence, tried),
                _after_holding(tried),
            )  # fmt: skip


def _not_named(evidence: Evidence, tried: Tried) -> set[int]:
    """Return the held ports that a rule counted which does not name them: that is a finding of its own."""
    return {
        port for port in tried.held for place in counted_by(tried, port)
        if rule_ports.names(evidence.loaded.ruleset.words(evidence.rules[place]), port) is False
    }  # fmt: skip


def counts_elsewhere(evidence: Evidence) -> Iterator[Finding]:
    """Find rules that match sooner while connections are held to a port that they do not name."""
    seen = set()
    for tried in evidence.tried:
        for port in tried.held:
            for place in counted_by(tried, port):
                words = evidence.loaded.ruleset.words(evidence.rules[place])
                if place not in seen and rule_ports.names(words, port) is False:
                    seen.add(place)
                    held = tried.held[port].of("held")
                    first = next(
                        n for n, dial in enumerate(tried.held[port].of("dial"), 1) if place in dial.matched
                    )
                    whose = evidence.about(tried)
                    yield Finding(
                        f"{whose}: the count takes in connections to port {port}, which the rule does not name",
                        tried, evidence.line(place),
                        f"it matches at dial {tried.first_match[place] + 1}; after {pattern(letters(held))} on port "
                        f"{port}, at dial {first}",
                    )  # fmt: skip


def mask_means_another_thing(evidence: Evidence) -> Iterator[Finding]:
    """Find counts over IPv6 that all of a net shorter than /48 share."""
    for tried in evidence.tried:
        prefix = tried.shared_prefix
        if tried.row.family == 6 and tried.limit and prefix and prefix < SHORTEST_MASK:
            yield Finding(
                f"port {tried.row.port}: over IPv6 a mask of {prefix} takes a whole provider for one client",
                tried, refusing_line(evidence, tried), _checked(tried, addresses.net_of(tried.row.source, prefix)),
            )  # fmt: skip


def _over(tried: Tried) -> str:
    return " over IPv6" if tried.row.family == 6 else ""


def _checked(tried: Tried, net: str) -> str:
    if "two_more" not in tried.seen:
        return ""
    parts = [f"first source {pattern(tried.letters_of('two_more', 'dial'))}"]
    for name, source, words in zip(
        ("inside", "outside"), tried.sources, (f"a neighbour in {net}", "one outside"), strict=True
    ):
        if source:
            parts.append(f"{words} {pattern(tried.letters_of('two_more', name))}")
    return ", then ".join(parts)


def _after_holding(tried: Tried) -> str:
    parts = []
    for port, seen in tried.held.items():
        if (got_in(seen.of("dial")) or 0) < (tried.limit or 0):
            held, then = pattern(letters(seen.of("held"))), pattern(letters(seen.of("dial")))
            parts.append(f"{port}: {held}, then {tried.row.port}: {then}")
    return "; ".join(parts[:2])


KINDS = (
    Kind(
        "shared-by-net",
        "a neighbour within /N, N shorter than a whole address, finds the count used",
        shared_by_net,
    ),
    Kind(
        "shared-by-all", "any source finds the count used, or gets fewer than it would alone", shared_by_all
    ),
    Kind(
        "ports-share", "a port with a limit finds the count used by connections to another one", ports_share
    ),
    Kind(
        "counts-elsewhere",
        "a rule that names ports matches sooner while connections to a port that it does not name are open",
        counts_elsewhere,
    ),
    Kind(
        "mask-means-another-thing",
        "over IPv6 all of a net shorter than /48 share one count",
        mask_means_another_thing,
    ),
)
