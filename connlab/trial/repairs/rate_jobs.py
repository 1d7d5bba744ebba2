"""A rate in whose place a count of what is open was probably meant: as many connections of a source as its burst."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from connlab.trial.findings.evidence import Evidence, Finding
from connlab.trial.repairs import edits, of_nft
from connlab.trial.repairs.job import FAMILIES, Found, Job
from connlab.trial.repairs.judgements import TO_BE_SHUT
from connlab.trial.repairs.repair import Repair, Where
from connlab.trial.rules import rule_text, rule_verdicts
from connlab.trial.rules.ruleset import Rule

SCENES = {"rate-not-count": "freed", "bans": "banned"}
DEFAULT_BURST = "5"  # of iptables and of nft, which do not write it
BURST = re.compile(r"--(?:limit|hashlimit)-burst (\d+)|\bburst (\d+) packets")
RATE = re.compile(r" -m (?P<match>hashlimit|limit)(?: --(?:hashlimit|limit)(?:-[a-z-]+)? \S+)+")
BARE = re.compile(r"limit rate (?P<over>over )?\S+(?: burst \d+ packets)?")
IN_A_SET = re.compile(rf"(?:add|update) @\S+ \{{ ip6? saddr (?:& \S+ )?(?:timeout \S+ )?{BARE.pattern} \}}")


def of_rates(evidence: Evidence, found: Sequence[Found]) -> Iterator[Job]:
    """Count what is open, where a rate refuses who has nothing open; not where it lets in who should not be."""
    groups: dict[tuple[int, str], list[int]] = {}
    shut = [finding.tried for name, finding in found if name == TO_BE_SHUT]
    for number, (name, finding) in enumerate(found):
        if name not in SCENES or finding.tried is None or finding.tried in shut:
            continue
        if rule := _rate(evidence, finding):
            groups.setdefault((id(finding.tried), str(rule.place)), []).append(number)
    for numbers in groups.values():
        finding = found[numbers[0]][1]
        rule = _rate(evidence, finding)
        if finding.tried is None or rule is None:
            continue
        where = Where(finding.tried.row.family, [finding.tried.row.port], " ".join(rule.place[:2]))
        if made := count(rule.text, where):
            text = edits.replaced(evidence.loaded.ruleset, rule.place, made.rules, made.first)
            about = {number: SCENES[found[number][0]] for number in numbers}
            yield Job(made.words, [text], finding.tried, about)


def _rate(evidence: Evidence, finding: Finding) -> Rule | None:
    """Return the rate that a finding is about: a rule of its line, or else the one that its row came to."""
    tried = finding.tried
    rates = [
        rule for rule in evidence.loaded.ruleset.rules
        if tried and rule.place in tried.reached and rule_text.refills(rule.text)
        and rule.place[0] in FAMILIES[tried.row.family]
    ]  # fmt: skip
    mine = [rule for rule in rates if evidence.line(rule.place) == finding.line]
    return next(iter(mine), rates[0] if len(rates) == 1 else None)


def count(rule: str, where: Where) -> Repair | None:
    """Count connections of each source, up to the burst where the rule lets in, above it where it refuses."""
    verdict = rule_verdicts.verdict(rule)
    burst = BURST.search(rule)
    most = next(filter(None, burst.groups()), DEFAULT_BURST) if burst else DEFAULT_BURST
    if verdict not in ("accept", "refuse"):
        return None
    if rule.startswith("-A "):
        return _by_iptables(rule, most, refuses=verdict == "refuse")
    match = IN_A_SET.search(rule) or BARE.search(
        re.sub(r"\{[^}]*\}", lambda braces: " " * len(braces[0]), rule)
    )
    if match is None or bool(match["over"]) != (verdict == "refuse"):
        return None
    kind, key = of_nft.KEYS[where.family]
    element = f"add @{of_nft.SET} {{ {key} ct count {match['over'] or ''}{most} }}"
    return Repair(
        f"`{element.replace(of_nft.SET, 'sources')}` in place of `limit rate`",
        [f"{rule[: match.start()]}{element}{rule[match.end() :]}"],
        [f"add set {where.table} {of_nft.SET} {{ type {kind}; size 65535; flags dynamic; }}"],
    )


def _by_iptables(rule: str, most: str, *, refuses: bool) -> Repair | None:
    match = RATE.search(rule)
    if match is None or ("--hashlimit-above" in match[0]) != refuses or "! " in match[0]:
        return None
    new = f"-m connlimit --connlimit-{'above' if refuses else 'upto'} {most}"
    return Repair(f"`{new}` in place of `-m {match['match']}`", [rule.replace(match[0], f" {new}")])
