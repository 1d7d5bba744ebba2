"""Which repairs are worth a try: what the findings about a rule call for, together, and for which rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from connlab.trial import rule_text
from connlab.trial.findings.evidence import Evidence, Finding
from connlab.trial.lines import Line
from connlab.trial.repairs import edits, of_iptables, of_nft
from connlab.trial.repairs.edits import Text
from connlab.trial.repairs.repair import Where, apply
from connlab.trial.ruleset import Place, Rule
from connlab.trial.tried import Tried

Found = tuple[str, Finding]  # the id of a finding, and what it says
MOST = 16  # jobs: each is two or three scenarios
FAMILIES = {4: {"ip", "inet"}, 6: {"ip6", "inet"}}
# What shows the difference that a repair makes, where it is not how many of one source get in.
SCENES = {
    "live-reset": "live", "live-frozen": "live", "connected-but-dead": "said", "ports-share": "held",
    "counts-elsewhere": "held", "shared-by-net": "neighbour", "shared-by-all": "neighbour",
    "mask-means-another-thing": "neighbour",
}  # fmt: skip
ALONE = {"shut-port-opened"}  # what else is found of such a rule goes with it
REJECT6 = re.compile(r"--reject-with (?!tcp-reset)\S+")
ADDRESS4 = re.compile(r"\b\d+\.\d+\.\d+\.\d+\b")


class Job(NamedTuple):
    """One repair for one row: texts to load after the files; `about`: by a finding's number what shows it."""

    words: str
    texts: Sequence[Text]
    tried: Tried
    about: Mapping[int, str]


def jobs(evidence: Evidence, found: Sequence[Found]) -> list[Job]:
    """Return what is to be tried for all findings, at most 16."""
    made = [*_of_lines(evidence, found), *_of_order(evidence, found), *_of_families(evidence, found)]
    return [*made, *_of_the_dead(evidence, found)][:MOST]


def _of_lines(evidence: Evidence, found: Sequence[Found]) -> Iterator[Job]:
    """Repair the rules of a line by all that its findings call for, for each row that one of them is about."""
    groups: dict[tuple[Line, int], list[int]] = {}
    for number, (_, finding) in enumerate(found):
        if finding.line and finding.tried:
            groups.setdefault((finding.line, finding.tried.row.family), []).append(number)
    for (line, _), numbers in groups.items():
        rows = {id(tried): tried for number in numbers if (tried := found[number][1].tried)}
        for tried in rows.values():
            words, texts, repaired = _repaired(
                evidence, line, {found[number][0] for number in numbers}, tried
            )
            about = {
                number: SCENES.get(found[number][0], "dials")
                for number in numbers
                if found[number][1].tried is tried and found[number][0] in repaired
            }
            if about:
                yield Job(words, texts, tried, about)


def _repaired(
    evidence: Evidence, line: Line, names: set[str], tried: Tried
) -> tuple[str, list[Text], frozenset[str]]:
    """Return words and texts of a repair of each rule that a line made, the last first; and which findings it is of."""
    words, texts, repaired = "", [], frozenset[str]()
    wanted = names & ALONE or names
    ruleset = evidence.loaded.ruleset
    for place in reversed([place for place, its in evidence.loaded.lines.rules.items() if its == line]):
        rule = evidence.rules.get(place)
        if rule is None or place[0] not in FAMILIES[tried.row.family]:
            continue
        known = (of_iptables if rule.text.startswith("-A ") else of_nft).CHANGES
        where = Where(tried.row.family, sorted({tried.row.port, *tried.ports}), " ".join(place[:2]))
        if made := apply([change for change in known if known[change] & wanted], rule.text, where):
            repair, changes = made
            words = repair.words
            texts.append(edits.replaced(ruleset, place, repair.rules, repair.first))
            repaired |= frozenset().union(*(known[change] & wanted for change in changes))
    return words, texts, repaired


def _of_order(evidence: Evidence, found: Sequence[Found]) -> Iterator[Job]:
    """Move a limit that nothing reaches before the rule that decided; it answers who finds its port unlimited too."""
    for idle, port, judges in evidence.unmet:
        before = next((judge.place for judge in judges if judge.place[:3] == idle.place[:3]), None)
        if before is None or not rule_text.limits(idle.text):
            continue
        for tried in evidence.tried:
            about = [n for n, each in enumerate(found) if _is_of_order(evidence, each, idle, tried)]
            if tried.row.port == port:
                about += [n for n, each in enumerate(found) if _is_of(evidence, each, idle)]
            if about and tried.judge and tried.judge.place == before:
                rule, words, first = _for_each_source(idle, tried)
                if text := edits.moved(evidence.loaded.ruleset, idle.place, before, rule, first):
                    words = f"{evidence.where(idle.place)} before {evidence.where(before)}{words}"
                    yield Job(words, [text], tried, dict.fromkeys(about, "dials"))


def _is_of_order(evidence: Evidence, each: Found, idle: Rule, tried: Tried) -> bool:
    name, finding = each
    return name == "unlimited" and finding.tried is tried and evidence.jumps.about(idle, tried.row.port)


def _is_of(evidence: Evidence, each: Found, idle: Rule) -> bool:
    line = each[1].line
    return each[0] == "never-reached" and line is not None and line == evidence.line(idle.place)


def _for_each_source(rule: Rule, tried: Tried) -> tuple[str, str, Sequence[str]]:
    """Give each source a count of its own in a rule that is moved: nobody has seen yet that all share one."""
    where = Where(tried.row.family, [tried.row.port], " ".join(rule.place[:2]))
    if rule.text.startswith("-A ") or not (made := apply([of_nft.for_each_source], rule.text, where)):
        return rule.text, "", ()
    return made[0].rules[0], f" and {made[0].words}", made[0].first


def _of_families(evidence: Evidence, found: Sequence[Found]) -> Iterator[Job]:
    """Give IPv6 the rule that limits IPv4, if it is iptables' and in a chain that both have."""
    for number, (name, finding) in enumerate(found):
        if name != "ipv6-open" or finding.tried is None:
            continue
        row = finding.tried.row
        four = next(
            (
                each
                for each in evidence.tried
                if each.row.port == row.port and each.row.family == 4 and each.limit
            ),
            None,
        )
        place = four.judge.place if four and four.judge else None
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


def _of_the_dead(evidence: Evidence, found: Sequence[Found]) -> Iterator[Job]:
    """Let in what belongs to a connection that is in, where nothing does."""
    for number, (name, finding) in enumerate(found):
        if name == "connected-but-dead" and finding.tried and (place := _input(evidence, finding.tried)):
            text = edits.preceded(
                evidence.loaded.ruleset, place[:3], of_iptables.ESTABLISHED, of_nft.ESTABLISHED
            )
            words = f"`{of_nft.ESTABLISHED}` before all else"
            yield Job(words, [text], finding.tried, {number: "said"})


def _input(evidence: Evidence, tried: Tried) -> Place | None:
    """Find the chain of packets that come in, of the table that decided over the dials of a row."""
    if tried.judge is None:
        return None
    for name, chain in evidence.loaded.ruleset.chains.items():
        if chain.hook == "input" and name[:2] == tried.judge.place[:2]:
            return (*name, 0)
    return None
