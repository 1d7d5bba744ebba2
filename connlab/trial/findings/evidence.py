"""What a finding may look at, and what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from connlab.trial.answer.rules import matched
from connlab.trial.answer.unmet import Unmet
from connlab.trial.dialling.neighbours import Discovery
from connlab.trial.dialling.plan import Plan
from connlab.trial.dialling.tried import Tried
from connlab.trial.files.lines import Line
from connlab.trial.files.loading import Loaded
from connlab.trial.hosts.observations import Dial
from connlab.trial.rules import rule_text, rule_verdicts
from connlab.trial.rules.jumps import INWARD, Jumps, jumps
from connlab.trial.rules.ruleset import Place, Rule


class Evidence:
    """All that a finding may look at."""

    def __init__(
        self,
        loaded: Loaded,
        plan: Plan,
        tried: Sequence[Tried],
        rows: Sequence[Mapping[str, Any]],
        unmet: Sequence[Unmet] = (),
        *,
        neighbours: Sequence[Discovery] = (),
    ) -> None:
        self.loaded, self.plan, self.tried, self.rows = loaded, plan, tried, rows
        self.unmet, self.neighbours = unmet, neighbours

    @cached_property
    def rules(self) -> dict[Place, Rule]:
        """Return every rule by its place."""
        return {rule.place: rule for rule in self.loaded.ruleset.rules}

    @cached_property
    def jumps(self) -> Jumps:
        """Return who jumps to whom."""
        return jumps(self.loaded.ruleset)

    @cached_property
    def limiting(self) -> list[Rule]:
        """Return the rules that are to limit who comes in: those that count, also if they only log."""
        return [
            rule for rule in self.loaded.ruleset.rules
            if rule_text.limits(rule.text)
            and not self.jumps.rations_a_log(rule)
            and (self.jumps.hooks(rule.place[:3]) or INWARD) & INWARD
        ]  # fmt: skip

    def line(self, place: Place | None) -> Line | None:
        """Return the line of a rule, or of a policy where a text sets it, if it is known."""
        if place and place[3] == 0:
            return self.loaded.lines.policies.get(place[:3])
        return self.loaded.lines.rules.get(place) if place else None

    def judging(self, dial: Dial) -> Rule | None:
        """Return the rule that decided over a dial; None for a policy."""
        return self.rules.get(dial.judge.place) if dial.judge else None

    def limited(self, dial: Dial) -> bool:
        """Tell whether a rule that counts decided over a dial."""
        rule = self.judging(dial)
        return rule is not None and rule_text.limits(rule.text)

    def where(self, place: Place) -> str:
        """Name a rule by its line, a policy by its chain: `line 4`, `the policy of INPUT`."""
        line = self.line(place)
        if place[3] == 0:
            return f"the policy of {place[2]}"
        return f"line {line.line}" if line else f"a rule of {place[2]}"

    def about(self, tried: Tried) -> str:
        """Name a row: `port 443`, `port 443 from 10.0.0.0/8`, `port 443 via wan0` where it is tried by several."""
        alike = [each.row for each in self.tried if each.row[:2] == tried.row[:2]]
        return "".join([
            port_words(tried),
            "" if tried.row.to == "any" else f" of {tried.row.to}",
            "" if tried.row.net == "any" else f" from {tried.row.net}",
            f" via {tried.row.via}" if len({row.via for row in alike}) > 1 else "",
        ])  # fmt: skip

    def with_rows(self) -> Iterator[tuple[Tried, Mapping[str, Any]]]:
        """Yield each row as it was tried, and as it is told."""
        return zip(self.tried, self.rows, strict=True)


class Finding(NamedTuple):
    """One finding: a sentence in plain words, whose row it is about, the line, and the dials that show it."""

    text: str
    tried: Tried | None = None
    line: Line | None = None
    evidence: str = ""


class Kind(NamedTuple):
    """A kind of finding: its id, the sentence that defines it by what was observed, and the function that looks."""

    id: str
    definition: str  # completes "it is said when"; docs/try.md has the same
    find: Callable[[Evidence], Iterator[Finding]]


def harming_line(
    evidence: Evidence, tried: Tried, scenarios: Sequence[str], *, by_reset: bool
) -> Line | None:
    """Return the line of the rule that refused what was said on connections that are in: other packets than SYNs.

    A reset is sent by a rule that says so. What no such rule matched a policy may have dropped; else it is unknown.
    """
    packets = Counter[Place]()
    for name in scenarios:
        seen = tried.seen[name]
        packets += matched([seen]) - seen.syns
    able = [
        rule.place for rule in evidence.loaded.ruleset.rules
        if rule_verdicts.verdict(rule.text) == "refuse" and (rule_verdicts.resets(rule.text) or not by_reset)
    ]  # fmt: skip
    known = [
        place for place, _ in packets.most_common()
        if place in able or (place[3] == 0 and not by_reset)
    ]  # fmt: skip
    judge = tried.judge.place if tried.judge else None
    if judge in known or (not known and (judge in able or not by_reset)):
        return evidence.line(judge)
    return evidence.line(known[0]) if known else None


def refusing_line(evidence: Evidence, tried: Tried, *later: Dial) -> Line | None:
    """Return the line of the rule that refused, or of the one that let in where only a policy refused.

    Of those that were refused `later`, not when all were dialled first, it is that of the first of them.
    """
    judge = later[0].judge if later else tried.judge
    return evidence.line(judge.place if judge else None)


def port_words(tried: Tried) -> str:
    """Name the port of a row: `port 443`, `port 443 over IPv6`."""
    return f"port {tried.row.port}{' over IPv6' if tried.row.family == 6 else ''}"
