"""The policy as it was loaded, kept on the host's tmpfs as root's, and what has become of it since.

The kernel is the only one who knows what is in force, and it tells neither what was loaded nor when a rule's count
began. So the ruleset is written down once it was read back; each look compares, and remembers what it saw for the
next one. The server's own process, which has no privileges, can neither read nor change the file.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from server import rules
from server.ruleset import Ruleset

STEM = "/tmp/connlab.policy"  # and .json, .part while it is written, .lock
AS_LOADED = "(as it was loaded: iptables-save does not show this table)"
Kept = dict


class NoBaseline(Exception):
    """Nothing was kept, so nothing can be compared; the text says why."""


def new(
    policy: str, now: Ruleset, told: int | None, uncounted: Iterable[str] = (), unsure: Iterable[str] = ()
) -> Kept:
    """What to keep of a policy that was just loaded; `told` refusals the server had counted by then, None: not known.

    `uncounted` are the cookies of sockets that were connected before, `unsure` of those that may have been.
    """
    uncounted, unsure = list(uncounted), list(unsure)
    return {
        "policy": policy, "loaded": _now(), "generation": now.generation, "told": told, "went_back": [],
        "chains": now.chains, "rules": now.rules, "uncounted": uncounted, "unsure": unsure,
        "last": {**_seen(now), "connected": uncounted + unsure},
    }  # fmt: skip


@contextlib.contextmanager
def kept() -> Iterator[Kept]:
    """What was kept, to be changed in the block and written back. Raises `NoBaseline`, OSError."""
    with _alone():
        try:
            with open(f"{STEM}.json") as file:
                found = json.load(file)
        except FileNotFoundError:
            raise NoBaseline("this host has kept nothing of what it loaded") from None
        found["chains"] = [rules.Chain(*one) for one in found["chains"]]
        found["rules"] = [rules.Rule(*one) for one in found["rules"]]
        yield found
        _write(found)


def keep(data: Kept) -> None:
    """Write it down; raises OSError."""
    with _alone():
        _write(data)


def difference(then: Kept, now: Ruleset) -> list[str]:
    """What is not as it was loaded, a line each; none if everything is, rule for rule and handle for handle."""
    before, after = (
        {(one.table, one.chain, one.handle): one for one in side} for side in (then["rules"], now.rules)
    )
    gone = [one for key, one in before.items() if key not in after]
    come = [_known(then, one) for key, one in after.items() if key not in before]
    lines = []
    for one in list(gone):
        if again := next((new for new in come if new[:2] == one[:2] and new.text == one.text), None):
            gone.remove(one)
            come.remove(again)
            lines.append(f"loaded again in {one.table}, so its count began anew: {one.text}")
    changed = [
        (before[key], one) for key, one in after.items() if key in before and not _same(before[key], one)
    ]
    lines += [f"missing in {_where(one)}: {one.text}" for one in gone + [old for old, _ in changed]]
    lines += [f"added in {_where(one)}: {one.text}" for one in come + [new for _, new in changed]]
    order = [
        sorted((key for key in side if key in before and key in after), key=lambda key: key[:2])
        for side in (before, after)
    ]
    if order[0] != order[1]:
        lines.append("the rules are in another order")
    hooks = {one[:2]: one for one in then["chains"]}
    lines += [
        f"chain {one.name} of {one.table} is at another hook"
        for one in now.chains
        if hooks.get(one[:2], one) != one
    ]
    known_tables = {one.table for one in then["chains"]}
    return lines + [
        f"a table of iptables-legacy that was not there, and cannot be read from here: {one.table}"
        for one in now.chains if one.table.startswith("legacy ") and one.table not in known_tables
    ]  # fmt: skip


def known(then: Kept, now: Ruleset) -> Ruleset:
    """The same with the words that rules had when they were loaded, where iptables-save no longer shows a table.

    nft's own words for an iptables rule depend on the rules beside it, so they cannot be compared (C33).
    """
    return now._replace(rules=[_known(then, one) for one in now.rules])


def _known(then: Kept, rule: rules.Rule) -> rules.Rule:
    if rule.text.startswith("-"):
        return rule
    was = next((one for one in then["rules"] if one[:3] == rule[:3] and one.text.startswith("-")), None)
    return rule if was is None else rule._replace(text=f"{was.text} {AS_LOADED}")


def advance(then: Kept, now: Ruleset, connected: Sequence[str], told: int | None) -> None:
    """Carry what is known from the last look to this one: which counters went back, which sockets are not counted.

    A count is a rule's own, and begins anew when the rule is replaced, also by its like: `iptables -Z` does that to
    each rule whose counter is not 0, with its text and handle kept (C31). Who was connected at the look before is
    then certainly not counted, who came since perhaps. Without a transaction no rule was replaced.
    """
    last, live = then["last"], list(connected)
    counting = [one for one in now.rules if counts(one)]
    back = [one for one in now.rules if one.packets < last["packets"].get(_key(one), 0)]
    logged = [one for one in now.rules if rules.target(one.text) == "NFLOG" and one in _same_as(then, now)]
    if logged and ahead(then, told) > sum(one.packets for one in logged):
        back += [one for one in logged if one not in back]
    said = {entry["rule"] for entry in then["went_back"]}
    then["went_back"] += [{"rule": one.text, "seen": _now()} for one in back if one.text not in said]
    sure, unsure = (set(then[name]) for name in ("uncounted", "unsure"))
    if now.generation != last["generation"]:
        replaced = [one for one in counting if one in back or _key(one) not in last["packets"]]
        sure |= set(last["connected"]) if replaced else set()
        unsure = set(live)
    if not all(only_syn(one) for one in counting):
        unsure, sure = unsure | sure, set()
    then["uncounted"] = [one for one in live if one in sure]
    then["unsure"] = [one for one in live if one in unsure - sure]
    then["last"] = {**_seen(now), "connected": live}


def ahead(then: Kept, told: int | None) -> int:
    """Refusals that the server has counted since the policy was loaded; 0 if that is not known."""
    return 0 if told is None or then["told"] is None else int(told - then["told"])


def older(then: Kept, now: Ruleset) -> bool:
    """Whether this look may be from before the last one, or shows what is worth a second look."""
    last = then["last"]
    back = (one.packets < last["packets"].get(_key(one), 0) for one in now.rules)
    return bool(now.generation != last["generation"] or any(back))


def logged(now: Ruleset) -> int:
    """Refusals that the policy has reported to the server."""
    return sum(one.packets for one in now.rules if rules.target(one.text) == "NFLOG")


def counts(rule: rules.Rule) -> bool:
    """Whether a rule counts connections."""
    return "connlimit" in rules.words(rule.text) if rule.text.startswith("-") else "ct count" in rule.text


def only_syn(rule: rules.Rule) -> bool:
    """Whether it looks at SYNs only. One that looks at every packet counts a connection from its next packet on."""
    syn = r"(?<!! )--tcp-flags FIN,SYN,RST,ACK SYN |(?<!! )--(?:ct)?state NEW |== syn |ct state new "
    return bool(re.search(syn, rule.text))


def _same_as(then: Kept, now: Ruleset) -> list[rules.Rule]:
    loaded = {(one.table, one.chain, one.handle): one for one in then["rules"]}
    return [one for one in now.rules if one[:3] in loaded and _same(loaded[one[:3]], one)]


def _same(one: rules.Rule, other: rules.Rule) -> bool:
    """Whether two looks at one handle show the same rule, as far as both are in one language."""
    both = one.text.startswith("-") == other.text.startswith("-") and AS_LOADED not in other.text
    return one.text == other.text if both else True


def _seen(now: Ruleset) -> dict[str, object]:
    return {"generation": now.generation, "packets": {_key(one): one.packets for one in now.rules}}


def _key(rule: rules.Rule) -> str:
    return f"{rule.table} {rule.chain} {rule.handle} {rule.text}"


def _where(rule: rules.Rule) -> str:
    return rule.table if rule.text.startswith("-") else f"{rule.table} {rule.chain}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One look at a time; the lock is root's alone, or the server's user could hold it."""
    lock = os.open(f"{STEM}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _write(data: Kept) -> None:
    part = f"{STEM}.part"
    with open(part, "w", opener=_own) as file:
        file.write(json.dumps(data))
    os.replace(part, f"{STEM}.json")


def _own(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
