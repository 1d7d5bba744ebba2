"""What differs between the policy as it was loaded and the kernel's rules now. Pure: values in, lines out."""

from __future__ import annotations

from server import rules
from server.ruleset import Ruleset

AS_LOADED = "(as it was loaded: iptables-save does not show this table)"

TYPE_CHECKING = False
if TYPE_CHECKING:  # at run time typing would cost each sample 5 ms
    from server.baseline import Baseline


def difference(baseline: Baseline, now: Ruleset) -> list[str]:
    """Return what is not as it was loaded, a line each; none if everything is, rule for rule and handle for handle."""
    before, after = _by_handle(baseline["rules"]), _by_handle(now.rules)
    missing = [rule for key, rule in before.items() if key not in after]
    added = [_with_loaded_text(baseline, rule) for key, rule in after.items() if key not in before]
    lines = []
    for rule in list(missing):
        twin = next((new for new in added if new[:2] == rule[:2] and new.text == rule.text), None)
        if twin:
            missing.remove(rule)
            added.remove(twin)
            lines.append(f"loaded again in {rule.table}, so its count began anew: {rule.text}")
    for key, rule in after.items():
        if key in before and not _same(before[key], rule):
            missing.append(before[key])
            added.append(rule)
    lines += [f"missing in {_place(rule)}: {rule.text}" for rule in missing]
    lines += [f"added in {_place(rule)}: {rule.text}" for rule in added]
    orders = [
        sorted((key for key in side if key in before and key in after), key=lambda key: key[:2])
        for side in (before, after)
    ]
    if orders[0] != orders[1]:
        lines.append("the rules are in another order")
    return lines + _chain_lines(baseline["chains"], now.chains)


def with_loaded_texts(baseline: Baseline, now: Ruleset) -> Ruleset:
    """Return the ruleset with the texts that rules had when loaded, where iptables-save no longer shows a table.

    nft's own words for an iptables rule depend on the rules beside it, so they cannot be compared (C33).
    """
    return now._replace(rules=[_with_loaded_text(baseline, rule) for rule in now.rules])


def unchanged(baseline: Baseline, now: Ruleset) -> list[rules.Rule]:
    """Return the rules of `now` that are those which were loaded, by handle and text."""
    loaded = _by_handle(baseline["rules"])
    return [rule for rule in now.rules if rule[:3] in loaded and _same(loaded[rule[:3]], rule)]


def _chain_lines(before: list[rules.Chain], now: list[rules.Chain]) -> list[str]:
    hooks = {chain[:2]: chain for chain in before}
    tables = {chain.table for chain in before}
    moved = [
        f"chain {chain.name} of {chain.table} is at another hook"
        for chain in now
        if hooks.get(chain[:2], chain) != chain
    ]
    return moved + [
        f"a table of iptables-legacy that was not there, and cannot be read from here: {chain.table}"
        for chain in now
        if chain.table.startswith("legacy ") and chain.table not in tables
    ]


def _by_handle(listed: list[rules.Rule]) -> dict[tuple[str, str, str], rules.Rule]:
    return {(rule.table, rule.chain, rule.handle): rule for rule in listed}


def _with_loaded_text(baseline: Baseline, rule: rules.Rule) -> rules.Rule:
    if rule.text.startswith("-"):
        return rule
    loaded = next(
        (old for old in baseline["rules"] if old[:3] == rule[:3] and old.text.startswith("-")), None
    )
    return rule if loaded is None else rule._replace(text=f"{loaded.text} {AS_LOADED}")


def _same(old: rules.Rule, new: rules.Rule) -> bool:
    """Return whether two samples of one handle show the same rule, as far as both are in one language."""
    comparable = old.text.startswith("-") == new.text.startswith("-") and AS_LOADED not in new.text
    return old.text == new.text or not comparable


def _place(rule: rules.Rule) -> str:
    return rule.table if rule.text.startswith("-") else f"{rule.table} {rule.chain}"
