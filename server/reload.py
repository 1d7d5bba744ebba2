"""Bring the kernel's rules back to the policy that was loaded, while the server runs and connections live.

Only what differs is touched. A rule that is loaded again begins to count anew (C16), so who is connected at that
moment is remembered as not counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from server import baseline, drift, firewall, policy_file, rules, ruleset
from server.ruleset import Ruleset, tool
from server.settings import Settings

NATIVE_TABLE = re.compile(r"^table (\w+) (\S+) \{$.*?^\}$", re.MULTILINE | re.DOTALL)
DOCKER_TABLE = "nat"  # the table that also has the engine's rules for names

TYPE_CHECKING = False
if TYPE_CHECKING:  # at run time typing would cost each reload 5 ms
    from server.baseline import Baseline


def reload(settings: Settings) -> dict[str, object]:
    """Mend what differs from the baseline; returns `reloaded`, and `difference`, what differed.

    Raises `PolicyError`, `NoBaseline`, `Unreadable` or OSError; the rules are then as they were, or nearer to the
    policy.
    """
    text = firewall.render(settings)
    with baseline.stored() as loaded:
        difference = drift.difference(loaded, ruleset.read())
        if not difference:
            return {"reloaded": False, "difference": []}
        before = ruleset.connected(settings.port)
        _remove_foreign(loaded, ruleset.read(), policy_file.sections(text))
        _restore(loaded, text)
        _load_native(loaded, firewall.native_text(settings))
        now = ruleset.read()
        rest = [line for line in drift.difference(loaded, now) if not line.startswith("loaded again")]
        if rest:
            raise firewall.PolicyError("still not as the policy was loaded: " + "; ".join(rest))
        after = ruleset.connected(settings.port)
        uncounted, unsure = loaded["uncounted"], loaded["unsure"]
        if _counts_anew(loaded, now):
            old = set(before) | set(uncounted)
            uncounted = [cookie for cookie in after if cookie in old]
            unsure = [cookie for cookie in after if cookie not in old]
        loaded.update(baseline.new(loaded["policy"], now, None, uncounted, unsure))
    return {"reloaded": True, "difference": difference}


def _counts_anew(loaded: Baseline, now: Ruleset) -> bool:
    """Return whether a rule that counts is a new one in the kernel."""
    handles = {rule[:3] for rule in loaded["rules"]}
    return any(rules.counts(rule) and rule[:3] not in handles for rule in now.rules)


def _remove_foreign(loaded: Baseline, now: Ruleset, own: Iterable[str]) -> None:
    """Delete tables, chains and rules that were not there, in one transaction; the others keep their counts.

    In the policy's own tables only what iptables-restore would stumble over: it replaces the rest in one step.
    """
    tables = {chain.table for chain in loaded["chains"]} | set(own) | {DOCKER_TABLE}
    chains = {chain[:2] for chain in loaded["chains"]}
    handles = {rule[:3] for rule in loaded["rules"]}
    foreign = {
        chain.table
        for chain in now.chains
        if chain.table not in tables and not chain.table.startswith("legacy ")
    }
    native = {rule.table for rule in now.rules if not rule.text.startswith("-")}
    script = [f"delete table {_family(table)}" for table in sorted(foreign)]
    for rule in now.rules:
        extra = rule.table not in foreign and rule[:3] not in handles and "/" in rule.handle
        if extra and (rule.table not in own or rule.table in native):
            handle = rule.handle.partition("/")[2]
            script.append(f"delete rule {_family(rule.table)} {rule.chain} handle {handle}")
    script += [
        f"delete chain {_family(chain.table)} {chain.name}"
        for chain in now.chains
        if chain.table in native & tables and chain[:2] not in chains
    ]
    if script:
        tool(["nft", "-f", "-"], "\n".join(script))


def _restore(loaded: Baseline, text: str) -> None:
    """Load the tables of the policy that still differ, each in one transaction, so it is never without its rules."""
    now = ruleset.read()
    for table, section in policy_file.sections(text).items():
        if drift.difference(_of_table(loaded, table), _table(now, table)):
            tool(["iptables-restore"], section)


def _load_native(loaded: Baseline, text: str) -> None:
    """Load the tables of nft's own that still differ, each in one transaction."""
    now = ruleset.read()
    for match in NATIVE_TABLE.finditer(text):
        name = match[2] if match[1] == "ip" else f"{match[1]} {match[2]}"
        if drift.difference(_of_table(loaded, name), _table(now, name)):
            # The table is added first, because one that is not there cannot be deleted.
            tool(
                ["nft", "-f", "-"],
                f"add table {match[1]} {match[2]}\ndelete table {match[1]} {match[2]}\n{match[0]}\n",
            )


def _of_table(loaded: Baseline, table: str) -> Baseline:
    part = loaded.copy()
    part["chains"] = [chain for chain in loaded["chains"] if chain.table == table]
    part["rules"] = [rule for rule in loaded["rules"] if rule.table == table]
    return part


def _table(now: Ruleset, table: str) -> Ruleset:
    return Ruleset(
        now.generation,
        [chain for chain in now.chains if chain.table == table],
        [rule for rule in now.rules if rule.table == table],
    )


def _family(table: str) -> str:
    return table if " " in table else f"ip {table}"
