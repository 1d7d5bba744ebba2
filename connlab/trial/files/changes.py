"""Numbers of a file changed before it is loaded: `--set 9:above=400` asks what another limit would do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

from connlab.base.errors import Usage
from connlab.trial.files.forms import Input

CHANGE = re.compile(
    r"(?:(?P<file>.+):)?(?P<line>\d{1,6}):(?P<word>[A-Za-z][\w.-]*)=(?P<value>\d{1,10})", re.ASCII
)
NUMBER = re.compile(r"\d{1,10}", re.ASCII)
# `--connlimit-above 15`, `ct count over 15`, `limit rate over 6/minute`, `burst 3`, `somaxconn = 512`, `"512"`
AFTER = r"(?P<between>[\s=:\"']+(?:over\s+|until\s+)?)(?P<number>\d+)"
NUMBERED = re.compile(rf"(?<![\w.-])-*(?P<word>[A-Za-z][\w./-]*){AFTER}")
MOST_TOLD = 8
NEXT = "--set 9:above=400, or --set FILE:9:above=400"


class Change(NamedTuple):
    """The number after a word of a line is to be another; `file` is None where there is one file."""

    file: str | None
    line: int
    word: str
    value: str


def parse(text: str) -> Change:
    """Read `9:above=400` or `prod.rules:9:above=400`. Raises `Usage`."""
    match = CHANGE.fullmatch(text)
    if match is None:
        raise Usage(
            f"{text!r} changes nothing",
            _what_lacks(text),
            next_step=NEXT,
        )
    return Change(match["file"], int(match["line"]), match["word"], match["value"])


def _what_lacks(text: str) -> str:
    """Say what of LINE:WORD=NUMBER is not there, or is none."""
    where, equals, value = text.partition("=")
    line, _, word = where.rpartition(":")
    if not equals:
        return "it has no = with a number after it"
    if not NUMBER.fullmatch(value):
        return f"{value!r} is no whole number of at most ten digits"
    if not re.fullmatch(r"(?:.+:)?\d{1,6}", line):
        return "it has no number of a line before the word"
    return f"{word!r} is no word"


def apply(inputs: Sequence[Input], changes: Sequence[Change]) -> tuple[list[Input], list[dict[str, Any]]]:
    """Return the files as changed, and `set[]`: what was there before and what is now. Raises `Usage`."""
    result, told = list(inputs), []
    for change in changes:
        at = _file(result, change)
        result[at], before = _changed(result[at], change)
        told.append({
            "file": result[at].path, "line": change.line, "word": change.word, "before": before,
            "after": change.value,
        })  # fmt: skip
    return result, told


def _file(inputs: Sequence[Input], change: Change) -> int:
    """Find the file that a change names, as typed or by its last part. Raises `Usage`."""
    step = f"--set {inputs[0].path}:{change.line}:{change.word}={change.value}"
    if change.file is None:
        if len(inputs) == 1:
            return 0
        raise Usage(
            f"line {change.line} of which file?",
            f"there are {len(inputs)}",
            next_step=step,
        )
    for name in (lambda path: path, lambda path: PurePath(path).name):
        found = [at for at, each in enumerate(inputs) if name(each.path) == change.file]
        if len(found) == 1:
            return found[0]
    raise Usage(
        f"{change.file} is none of the files",
        ", ".join(each.path for each in inputs),
        next_step=step,
    )


def _changed(brought: Input, change: Change) -> tuple[Input, str]:
    """Change one number of a text; the text, and what the number was. Raises `Usage`."""
    lines = brought.text.splitlines(keepends=True)
    where = f"{brought.path}:{change.line}"
    if not 0 < change.line <= len(lines):
        raise Usage(f"{where} is not there", f"the file has {len(lines)} lines", next_step=NEXT)
    line = lines[change.line - 1]
    word = re.compile(rf"(?<![A-Za-z0-9])(?P<word>{re.escape(change.word)}){AFTER}")
    found = list(word.finditer(line))
    if len(found) != 1:
        there = [f"{match['word']}={match['number']}" for match in NUMBERED.finditer(line)]
        why = (
            f"it has {', '.join(there[:MOST_TOLD])}"
            if there
            else f"it has no number after a word: {line.strip()}"
            if line.strip()
            else "it is empty"
        )
        times = "more than one" if found else "no"
        lines_with = [str(at) for at, each in enumerate(lines, 1) if word.search(each)][:MOST_TOLD]
        elsewhere = f"; it has one on line {', '.join(lines_with)}" if lines_with and not found else ""
        raise Usage(
            f"{where} has {times} {change.word!r} with a number after it", why + elsewhere, next_step=NEXT
        )
    begin, end = found[0].span("number")
    lines[change.line - 1] = f"{line[:begin]}{change.value}{line[end:]}"
    return brought._replace(text="".join(lines)), line[begin:end]
