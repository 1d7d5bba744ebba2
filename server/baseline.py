"""The policy as it was loaded, stored on the host's tmpfs as root's, and what each sample adds to it.

The kernel is the only one who knows what is in force, and it tells neither what was loaded nor when a rule's count
began. So the ruleset is written down once it was read back; each sample compares, and remembers what it saw for the
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

from server import drift, rules
from server.ruleset import Ruleset

STEM = "/tmp/connlab.policy"  # and .json, .part while it is written, .lock

TYPE_CHECKING = False
if TYPE_CHECKING:  # at run time typing would cost each sample 5 ms
    from typing import TypedDict

    class Sample(TypedDict):
        """The ruleset's generation, the packets of each rule, and the cookies of the connected sockets."""

        generation: int
        packets: dict[str, int]
        connected: list[str]

    class Baseline(TypedDict):
        """A policy as it was loaded; `refusals` that the server had counted by then, None: not known.

        `uncounted` are the cookies of sockets that no rule counts, `unsure` of those that perhaps none counts.
        """

        policy: str
        loaded: str
        generation: int
        refusals: int | None
        went_back: list[dict[str, str]]
        chains: list[rules.Chain]
        rules: list[rules.Rule]
        uncounted: list[str]
        unsure: list[str]
        last: Sample


class NoBaseline(Exception):
    """No baseline is stored, so nothing can be compared; the text says why."""


def new(
    policy: str, now: Ruleset, refusals: int | None, uncounted: Iterable[str] = (), unsure: Iterable[str] = ()
) -> Baseline:
    """Return the baseline of a policy that was just loaded; `refusals`: how many the server has counted, if known.

    `uncounted` are the cookies of sockets that were connected before, `unsure` of those that may have been.
    """
    uncounted, unsure = list(uncounted), list(unsure)
    return {
        "policy": policy, "loaded": _timestamp(), "generation": now.generation, "refusals": refusals,
        "went_back": [], "chains": now.chains, "rules": now.rules, "uncounted": uncounted, "unsure": unsure,
        "last": _sample(now, uncounted + unsure),
    }  # fmt: skip


@contextlib.contextmanager
def stored() -> Iterator[Baseline]:
    """Hold the lock; yields the baseline, and writes it back after the block. Raises `NoBaseline`, OSError."""
    with _exclusive_lock():
        try:
            with open(f"{STEM}.json") as file:
                baseline: Baseline = json.load(file)
        except FileNotFoundError:
            raise NoBaseline("this host has kept nothing of what it loaded") from None
        baseline["chains"] = [rules.Chain(*fields) for fields in baseline["chains"]]
        baseline["rules"] = [rules.Rule(*fields) for fields in baseline["rules"]]
        yield baseline
        _write(baseline)


def store(baseline: Baseline) -> None:
    """Write the baseline to its file; raises OSError."""
    with _exclusive_lock():
        _write(baseline)


def advance(baseline: Baseline, now: Ruleset, connected: Sequence[str], refusals: int | None) -> None:
    """Carry what is known from the last sample to this one: counters that went back, sockets that are not counted.

    A count is a rule's own, and begins anew when the rule is replaced, also by its like: `iptables -Z` does that to
    each rule whose counter is not 0, with its text and handle kept (C31). Who was connected at the sample before is
    then certainly not counted, who came since perhaps. Without a transaction no rule was replaced.
    """
    last = baseline["last"]
    counting = [rule for rule in now.rules if counts(rule)]
    back = _lower_counters(baseline, now)
    logging = [rule for rule in drift.unchanged(baseline, now) if rules.target(rule.text) == "NFLOG"]
    if logging and refusals_since(baseline, refusals) > sum(rule.packets for rule in logging):
        back += [rule for rule in logging if rule not in back]
    known = {entry["rule"] for entry in baseline["went_back"]}
    baseline["went_back"] += [
        {"rule": rule.text, "seen": _timestamp()} for rule in back if rule.text not in known
    ]
    sure, unsure = set(baseline["uncounted"]), set(baseline["unsure"])
    if now.generation != last["generation"]:
        replaced = [rule for rule in counting if rule in back or _key(rule) not in last["packets"]]
        sure |= set(last["connected"]) if replaced else set()
        unsure = set(connected)
    if not all(only_syn(rule) for rule in counting):
        unsure, sure = unsure | sure, set()
    baseline["uncounted"] = [cookie for cookie in connected if cookie in sure]
    baseline["unsure"] = [cookie for cookie in connected if cookie in unsure - sure]
    baseline["last"] = _sample(now, list(connected))


def refusals_since(baseline: Baseline, refusals: int | None) -> int:
    """Return how many refusals the server has counted since the policy was loaded; 0 if that is not known."""
    return 0 if refusals is None or baseline["refusals"] is None else refusals - baseline["refusals"]


def older(baseline: Baseline, now: Ruleset) -> bool:
    """Return whether this sample may be from before the last one, or shows what is worth a second sample."""
    return bool(now.generation != baseline["last"]["generation"] or _lower_counters(baseline, now))


def logged(now: Ruleset) -> int:
    """Return how many refusals the policy has reported to the server."""
    return sum(rule.packets for rule in now.rules if rules.target(rule.text) == "NFLOG")


def counts(rule: rules.Rule) -> bool:
    """Return whether a rule counts connections."""
    return "connlimit" in rules.words(rule.text) if rule.text.startswith("-") else "ct count" in rule.text


def only_syn(rule: rules.Rule) -> bool:
    """Return whether a rule matches SYNs only. One that matches any packet counts a connection from its next packet."""
    syn = r"(?<!! )--tcp-flags FIN,SYN,RST,ACK SYN |(?<!! )--(?:ct)?state NEW |== syn |ct state new "
    return bool(re.search(syn, rule.text))


def _lower_counters(baseline: Baseline, now: Ruleset) -> list[rules.Rule]:
    packets = baseline["last"]["packets"]
    return [rule for rule in now.rules if rule.packets < packets.get(_key(rule), 0)]


def _sample(now: Ruleset, connected: list[str]) -> Sample:
    packets = {_key(rule): rule.packets for rule in now.rules}
    return {"generation": now.generation, "packets": packets, "connected": connected}


def _key(rule: rules.Rule) -> str:
    return f"{rule.table} {rule.chain} {rule.handle} {rule.text}"


def _timestamp() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@contextlib.contextmanager
def _exclusive_lock() -> Iterator[None]:
    """Hold the lock, so that one sample is compared at a time; it is root's, or the server's user could hold it."""
    lock = os.open(f"{STEM}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _write(baseline: Baseline) -> None:
    part = f"{STEM}.part"
    with open(part, "w", opener=_open_private) as file:
        file.write(json.dumps(baseline))
    os.replace(part, f"{STEM}.json")


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
