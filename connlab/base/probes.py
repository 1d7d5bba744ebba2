"""The programs of probes/, whose text travels with the command: a host has none of our folders."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from connlab.base.checkout import HOME


def argv(probe: str, *arguments: object) -> list[str]:
    """Return the command that runs a probe on a host. Raises OSError if there is none of that name."""
    text = (HOME / "probes" / f"{probe}.py").read_text()
    return ["python3", "-S", "-E", "-c", text, *map(str, arguments)]


def command_line(argv: Sequence[str]) -> str:
    """Return a command as a shell takes it, in one line: of an argument that has more, its first."""
    firsts = (argument.partition("\n") for argument in argv)
    return shlex.join(f"{first}..." if more else first for first, more, _ in firsts)
