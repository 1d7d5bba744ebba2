"""Where packets come from to a chain: the rules that jump to it, the hooks they begin at, the ports they are about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from connlab.trial.rules import rule_ports, rule_text, rule_verdicts
from connlab.trial.rules.ruleset import ChainName, Place, Rule, Ruleset

INWARD = {"ingress", "prerouting", "input"}  # hooks of packets that come from somebody else


class Jumps(NamedTuple):
    """Of each chain the rules that jump to it."""

    ruleset: Ruleset
    to: dict[ChainName, list[Rule]]

    def hooks(self, chain: ChainName) -> set[str]:
        """Return the hooks at which a packet that comes to a chain begins; none for one to which nothing jumps."""
        return {
            self.ruleset.chains[each].hook for each in self._before(chain) if each in self.ruleset.chains
        } - {""}

    def ways_to(self, chain: ChainName) -> set[Place]:
        """Return the rules that jump to a chain, or to one from which packets come there."""
        return {rule.place for each in self._before(chain) for rule in self.to.get(each, [])}

    def about(self, rule: Rule, port: int) -> bool:
        """Tell whether a rule is about a port: it names it, or names none and what jumps to its chain is about it."""
        return self._about(rule, port, set())

    def rations_a_log(self, rule: Rule) -> bool:
        """Tell whether a rule counts only so that a log is not written too often, here or where it jumps to."""
        return not rule_text.counts_each_source(rule.text) and not self._decides(rule, set())

    def _decides(self, rule: Rule, seen: set[ChainName]) -> bool:
        verdict = rule_verdicts.verdict(rule.text)
        if not verdict.startswith("jump"):
            return bool(verdict) or not rule_text.only_logs(rule.text)
        new = {(*rule.place[:2], name) for name in rule_verdicts.jumps(self.ruleset.words(rule))} - seen
        inside = [each for chain in new for each in self.ruleset.of(chain)]
        return any(
            rule_verdicts.verdict(each.text) != "return" and self._decides(each, seen | new)
            for each in inside
        )

    def _about(self, rule: Rule, port: int, seen: set[ChainName], to: str = "") -> bool:
        words = self.ruleset.words(rule)
        named = rule_ports.names(rule_verdicts.leading_to(words, to) if to else words, port)
        chain = rule.place[:3]
        if named is not None:
            return named
        if chain in seen or not self.to.get(chain) or self.ruleset.chains[chain].hook:
            return True
        return any(self._about(each, port, {*seen, chain}, chain[2]) for each in self.to[chain])

    def _before(self, chain: ChainName) -> set[ChainName]:
        found, left = {chain}, [chain]
        while left:
            new = {rule.place[:3] for rule in self.to.get(left.pop(), [])} - found
            found |= new
            left += new
        return found


def jumps(ruleset: Ruleset) -> Jumps:
    """Read who jumps to whom."""
    to: dict[ChainName, list[Rule]] = {}
    for rule, chain in _jumps(ruleset):
        to.setdefault(chain, []).append(rule)
    return Jumps(ruleset, to)


def _jumps(ruleset: Ruleset) -> Iterator[tuple[Rule, ChainName]]:
    for rule in ruleset.rules:
        for name in rule_verdicts.jumps(ruleset.words(rule)):
            yield rule, (*rule.place[:2], name)
