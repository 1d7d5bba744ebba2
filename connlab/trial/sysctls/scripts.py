"""Kernel settings of scripts that a shell ran: the calls of sysctl(8), and what was written below /proc/sys."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connlab.trial.files import fed_text
from connlab.trial.files.forms import Input
from connlab.trial.files.script_lines import call_lines
from connlab.trial.sysctls import commands, lines
from connlab.trial.sysctls.lines import Brought, Group, Setting
from connlab.trial.sysctls.observed import File

Run = tuple[Input, Mapping[str, Any]]  # a script, and what was told of it (namespaces/script.py)


def read(runs: Sequence[Run]) -> list[File]:
    """Read what scripts set; a line that no shell came to is none."""
    found = [(brought, (*_called(brought, told), *_written(brought, told))) for brought, told in runs]
    return [(brought, Brought([Group("", settings)])) for brought, settings in found if settings]


def in_force(texts: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return what scripts left in force, of the texts that load it anew: values by path below /proc/sys."""
    lines = [line for text in texts if text["tool"] == "sysctl" for line in text["text"].splitlines()]
    return {path: value for path, _, value in (line.partition(" = ") for line in lines)}


def _called(brought: Input, told: Mapping[str, Any]) -> Iterator[Setting]:
    for number, call in zip(call_lines(told), told["calls"], strict=True):
        if call["tool"] == "sysctl":
            yield from commands.of_sysctl(brought, number or 0, call["words"])
            yield from _fed(brought, call["input"], number or 0)


def _fed(brought: Input, text: str, number: int) -> Iterator[Setting]:
    """Yield the lines of a text that sysctl read, where they stand in the script; else where that was called."""
    said = brought.text.split("\n")
    before = fed_text.place(brought.text, text, number or 1)
    for each in lines.conf(Input(brought.path, "sysctl", text)).groups[0].settings:
        at = before + each.line if before is not None else 0
        key = each.text.partition("=")[0].strip()
        if not 0 < at <= len(said) or key not in said[at - 1]:
            at = next((at for at, line in enumerate(said, 1) if key in line), number)
        yield each._replace(line=at)


def _written(brought: Input, told: Mapping[str, Any]) -> Iterator[Setting]:
    """Yield what the text writes itself, where a value was changed by it, or the shell said that it could not be."""
    said = re.findall(rf"^{re.escape(told['path'])}: (?:line )?(\d+): ", told["errors"], re.MULTILINE)
    for each in commands.commands(brought).groups[0].settings:
        if not each.argv and (each.written_path in told["sysctls"] or str(each.line) in said):
            yield each
