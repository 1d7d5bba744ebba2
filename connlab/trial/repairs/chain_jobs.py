"""Repairs of more than a line: the order of rules, the other family, what belongs to connections that are in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from connlab.trial.dialling.tried import Tried
from connlab.trial.findings.evidence import Evidence
from connlab.trial.repairs import edits, of_iptables, of_nft
from connlab.trial.repairs.job import Found, Job
from connlab.trial.repairs.repair import Where, apply
from connlab.trial.rules import rule_text
from connlab.trial.rules.ruleset import ChainName, Rule

REJECT6 = re.compile(r"--reject-with (?!tcp-reset)\S+")
ADDRESS4 = re.compile(r"\b\d+\.\d+\.\d+\.\d+\b")


def of_order(evidence: Evidence, found: Sequence[Found]) -> Iterator[Job]:
    """Move a limit that nothing reaches before the rule that decided; it answers who finds its port unlimited too."""
    for idle, port, judges, *_ in evidence.unmet:
        before = next((judge.place for judge in judges if judge.place[:3] == idle.place[:3]), None)
        if before is None or not rule_text.limits(idle.text):
            continue
        for tried in evidence.tried:
            about = [n for n, each in enumerate(found) if _is_unlimited(evidence, each, idle, tried)]
            if tried.row.port == port:
                about += [n for n, each in enumerate(found) if _is_idle(evidence, each, idle)]
            if about and tried.judge and tried.judge.place == before:
                rule, words, first = _for_each_source(idle, tried)
                if text := edits.moved(evidence.loaded.ruleset, idle.place, before, rule, first):
                    words = f"{evidence.where(idle.place)} before {evidence.where(before)}{words}"
                    yield Job(words, [text], tried, dict.fromkeys(about, "dials"))


def _is_unlimited(evidence: Evidence, each: Found, idle: Rule, tried: Tried) -> bool:
    name, finding = each
    return name == "unlimited" and finding.tried is tried and evidence.jumps.about(idle, tried.row.port)


def _is_idle(evidence: Evidence, each: Found, idle: Rule) -> bool:
    line = each[1].line
    return each[0] == "never-reached" and line is not None and line == evidence.line(idle.place)


def _for_each_source(rule: Rule, tried: Tried) -> tuple[str, str, Sequence[str]]:
    """Give each source a count of its own in a rule that is moved: nobody has seen yet that all share one."""
    where = Where(tried.row.family, [tried.row.port], " ".join(rule.place[:2]))
    if rule.text.startswith("-A ") or not (made := apply([of_nft.for_each_source], rule.text, where)):
        return rule.text, "", ()
    return made[0].rules[0], f" and {made[0].words}", made[0].first


def of_families(evidence: Evidence, found: Sequence[Found]) -> Iterator[Job]:
    """Give IPv6 the rule that limits IPv4, if it is iptables' and in a chain that both have."""
    for number, (name, finding) in enumerate(found):
        if name != "ipv6-open" or finding.tried is None:
            continue
        clients = finding.tried.row.clients
        four = [
            each for each in evidence.tried
            if each.row.clients == clients and each.row.family == 4 and each.limit
        ]  # fmt: skip
        place = four[0].judge.place if four and four[0].judge else None
        rule = evidence.rules.get(place) if place else None
        if place and rule and _is_for_both(evidence, rule):
            whole = of_iptables.whole_address(rule.text, Where(6))
            text = REJECT6.sub("--reject-with icmp6-port-unreachable", whole.rules[0] if whole else rule.text)
            words = f"the same rule in ip6tables{f' and {whole.words}' if whole else ''}"
            made = edits.also_by_ip6tables(place, text)
            yield Job(words, [made], finding.tried, {number: "dials"})


def _is_for_both(evidence: Evidence, rule: Rule) -> bool:
    chain = evidence.loaded.ruleset.chains[rule.place[:3]]
    return bool(rule.text.startswith("-A ") and chain.hook and not ADDRESS4.search(rule.text))


def of_the_dead(evidence: Evidence, found: Sequence[Found]) -> Iterator[Job]:
    """Let in what belongs to a connection that is in, where nothing does."""
    for number, (name, finding) in enumerate(found):
        if name == "connected-but-dead" and finding.tried and (chain := _input(evidence, finding.tried)):
            ruleset = evidence.loaded.ruleset
            text = edits.preceded(ruleset, chain, of_iptables.ESTABLISHED, of_nft.ESTABLISHED)
            words = f"`{of_nft.ESTABLISHED}` before all else"
            yield Job(words, [text], finding.tried, {number: "said"})


def _input(evidence: Evidence, tried: Tried) -> ChainName | None:
    """Find the chain of packets that come in, of the table that decided over the dials of a row."""
    if tried.judge is None:
        return None
    for name, chain in evidence.loaded.ruleset.chains.items():
        if chain.hook == "input" and name[:2] == tried.judge.place[:2]:
            return name
    return None
