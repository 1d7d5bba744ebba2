"""Bring the kernel's rules back to the policy that was loaded, while the server runs and connections live.

Only what differs is touched. A rule that is loaded again begins to count anew (C16), so who is connected at that
moment is remembered as not counted.
"""

from __future__ import annotations

from collections.abc import Iterable

from server import baseline, firewall, policy_file, ruleset
from server.ruleset import Ruleset, tool
from server.settings import Settings

DOCKER_S = "nat"  # the table that also has the engine's rules for names


def reload(wanted: Settings) -> dict[str, object]:
    """Mend what differs from the baseline; what was different, and how many connections are not counted now.

    Raises `PolicyError`, `NoBaseline`, `Unreadable` or OSError; the rules are then as they were, or nearer to the
    policy.
    """
    text = firewall.render(wanted)
    with baseline.kept() as then:
        difference = baseline.difference(then, ruleset.read())
        if not difference:
            return {"reloaded": False, "difference": []}
        before = ruleset.connected(wanted.port)
        _remove_foreign(then, ruleset.read(), policy_file.sections(text))
        _restore(then, text)
        now = ruleset.read()
        if left := [line for line in baseline.difference(then, now) if not line.startswith("loaded again")]:
            raise firewall.PolicyError("still not as the policy was loaded: " + "; ".join(left))
        after = ruleset.connected(wanted.port)
        old, again = set(before) | set(then["uncounted"]), _loaded_again(then, now)
        uncounted = [one for one in after if one in old] if again else then["uncounted"]
        unsure = [one for one in after if one not in old] if again else then["unsure"]
        then.update(baseline.new(then["policy"], now, None, uncounted, unsure))
    return {"reloaded": True, "difference": difference}


def _loaded_again(then: baseline.Kept, now: Ruleset) -> bool:
    """Whether a rule that counts is a new one in the kernel."""
    old = {one[:3] for one in then["rules"]}
    return any(baseline.counts(one) and one[:3] not in old for one in now.rules)


def _remove_foreign(then: baseline.Kept, now: Ruleset, ours: Iterable[str]) -> None:
    """Delete tables, chains and rules that were not there, in one transaction; the others keep their counts.

    In the policy's own tables only what iptables-restore would stumble over: it replaces the rest in one step.
    """
    tables, chains = (
        {one.table for one in then["chains"]} | set(ours) | {DOCKER_S},
        {one[:2] for one in then["chains"]},
    )
    foreign = {
        one.table for one in now.chains if one.table not in tables and not one.table.startswith("legacy ")
    }
    script = [f"delete table {_family(table)}" for table in sorted(foreign)]
    handles = {one[:3] for one in then["rules"]}
    strange = {one.table for one in now.rules if not one.text.startswith("-")}
    for one in now.rules:
        extra = one.table not in foreign and one[:3] not in handles and "/" in one.handle
        if extra and (one.table not in ours or one.table in strange):
            script.append(
                f"delete rule {_family(one.table)} {one.chain} handle {one.handle.partition('/')[2]}"
            )
    new = [one for one in now.chains if one.table in strange & tables and one[:2] not in chains]
    script += [f"delete chain {_family(one.table)} {one.name}" for one in new]
    if script:
        tool(["nft", "-f", "-"], "\n".join(script))


def _restore(then: baseline.Kept, text: str) -> None:
    """Load the tables of the policy that still differ, each in one transaction, so it is never without its rules."""
    now = ruleset.read()
    for table, section in policy_file.sections(text).items():
        mine = {what: [one for one in then[what] if one.table == table] for what in ("rules", "chains")}
        seen = ruleset.Ruleset(
            now.generation,
            [one for one in now.chains if one.table == table],
            [one for one in now.rules if one.table == table],
        )
        if baseline.difference({**then, **mine}, seen):
            tool(["iptables-restore"], section)


def _family(table: str) -> str:
    return table if " " in table else f"ip {table}"
