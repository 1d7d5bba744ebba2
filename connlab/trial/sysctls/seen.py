"""What was seen of a line of kernel settings, and how values are compared."""

from __future__ import annotations

import re
from typing import NamedTuple

from connlab.trial.sysctls.lines import Setting

NOT_SET = {"absent", "not-in-container", "machine-wide", "privileged-only", "invalid"}


class Look(NamedTuple):
    """A key as a new host has it: its value, None if it cannot be read, and whether its mode lets root write it."""

    value: str | None
    writable: bool


class Seen(NamedTuple):
    """What became of a line: its own exit status, the words of its tool or engine, the value afterwards."""

    setting: Setting
    before: Look | None  # None: no new host has the key
    machine: Look | None  # None: the machine does not have it either, or nobody looked
    status: int
    said: str
    after: str | None
    shared: bool = False  # the container has the machine's network
    was: str | None = None  # the value when the line came, where a tool set it
    own: str = ""  # the namespace of a key that is a container's own, and that no engine sets


def same(one: str, other: str | None) -> bool:
    """Compare two values as the kernel reads them: blanks, bases (docs/kernel.md T26)."""
    return other is not None and [decimal(word) for word in one.split()] == other.split()


def decimal(word: str) -> str:
    """Write a number as /proc/sys does: it is read with base 0."""
    if re.fullmatch(r"-?0[xX][0-9a-fA-F]+", word):
        return str(int(word, 16))
    return str(int(word, 8)) if re.fullmatch(r"-?0[0-7]+", word) else word
