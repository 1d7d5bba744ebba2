"""The policy as it was loaded, stored on the host's tmpfs as root's, with the last sample of its rules.

The kernel is the only one who knows what is in force, and it tells neither what was loaded nor when a rule's count
began. So the ruleset is written down once it was read back. The server's own process, which has no privileges, can
neither read nor change the file.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from server import rules
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
        "policy": policy, "loaded": timestamp(), "generation": now.generation, "refusals": refusals,
        "went_back": [], "chains": now.chains, "rules": now.rules, "uncounted": uncounted, "unsure": unsure,
        "last": new_sample(now, uncounted + unsure),
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


def new_sample(now: Ruleset, connected: list[str]) -> Sample:
    """Return what is remembered of a sample for the next one."""
    packets = {rule_key(rule): rule.packets for rule in now.rules}
    return {"generation": now.generation, "packets": packets, "connected": connected}


def rule_key(rule: rules.Rule) -> str:
    """Return the name of a rule in a sample: its place, its handle, its text."""
    return f"{rule.table} {rule.chain} {rule.handle} {rule.text}"


def timestamp() -> str:
    """Return the time in UTC, to the second."""
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
