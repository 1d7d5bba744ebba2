"""Repairs of a line: all that its findings call for, together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connlab.trial.dialling.tried import Tried
from connlab.trial.files.lines import Line
from connlab.trial.findings.evidence import Evidence
from connlab.trial.repairs import edits, of_iptables, of_nft
from connlab.trial.repairs.edits import Text
from connlab.trial.repairs.job import FAMILIES, Found, Job
from connlab.trial.repairs.repair import Where, apply
from connlab.trial.rules import rule_text, rule_verdicts
from connlab.trial.rules.ruleset import Place

# What shows the difference that a repair makes, where it is not how many of one source get in.
SCENES = {
    "live-reset": "live", "live-frozen": "live", "connected-but-dead": "said", "ports-share": "held",
    "counts-elsewhere": "held", "shared-by-net": "neighbour", "shared-by-all": "neighbour",
    "mask-means-another-thing": "neighbour", "rate-not-count": "freed", "bans": "banned",
    "refusal-rationed": "alike",
}  # fmt: skip
ALONE = {"shut-port-opened"}  # what else is found of such a rule goes with it


def of_lines(evidence: Evidence, found: Sequence[Found]) -> Iterator[Job]:
    """Repair the rules of a line by all that its findings call for, for each row that one of them is about."""
    groups: dict[tuple[Line, int], list[int]] = {}
    for number, (_, finding) in enumerate(found):
        if finding.line and finding.tried:
            groups.setdefault((finding.line, finding.tried.row.family), []).append(number)
    for (line, _), numbers in groups.items():
        rows = {id(tried): tried for number in numbers if (tried := found[number][1].tried)}
        for tried in rows.values():
            names = {found[number][0] for number in numbers}
            for places in _places(evidence, line, tried):
                words, texts, repaired = _repaired(evidence, places, names, tried)
                about = {
                    number: SCENES.get(found[number][0], "dials")
                    for number in numbers
                    if found[number][1].tried is tried and found[number][0] in repaired
                }
                if about:
                    yield Job(words, texts, tried, about)


def _places(evidence: Evidence, line: Line, tried: Tried) -> Iterator[list[Place]]:
    """Yield the rules of a line, the last first; where none of them counts, also the one that led to it."""
    mine = [rule for rule in evidence.loaded.ruleset.rules if evidence.line(rule.place) == line]
    yield [rule.place for rule in reversed(mine)]
    if not any(rule_text.limits(rule.text) for rule in mine):
        leading = [
            place for place in tried.reached if rule_verdicts.verdict(evidence.rules[place].text) != "accept"
        ]
        if len(leading) == 1:
            yield leading


def _repaired(
    evidence: Evidence, places: Sequence[Place], names: set[str], tried: Tried
) -> tuple[str, list[Text], frozenset[str]]:
    """Return words and texts of a repair of each rule; and which findings it is of."""
    words, texts, repaired = "", [], frozenset[str]()
    wanted = names & ALONE or names
    ruleset = evidence.loaded.ruleset
    for place in places:
        rule = evidence.rules.get(place)
        if rule is None or place[0] not in FAMILIES[tried.row.family]:
            continue
        known = (of_iptables if rule.text.startswith("-A ") else of_nft).CHANGES
        ports = sorted({tried.row.port, *tried.ports})
        where = Where(tried.row.family, ports, " ".join(place[:2]), tried.limit)
        if made := apply([change for change in known if known[change] & wanted], rule.text, where):
            repair, changes = made
            words = repair.words
            texts.append(edits.replaced(ruleset, place, repair.rules, repair.first))
            repaired |= frozenset().union(*(known[change] & wanted for change in changes))
    return words, texts, repaired
