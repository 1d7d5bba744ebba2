"""Kernel settings: what is there, what a tool makes of a line, and what is there then.

`python3 -m namespaces.sysctls JSON...` (the parts of one text) answers `{"keys": [...], "lines": [...]}` with a line of
JSON. Paths are those below /proc/sys; one with `*` is every path that it matches.
"""

from __future__ import annotations

import errno
import glob
import json
import os
import subprocess
import sys
from typing import Any

from namespaces.netns import Namespace

PROC = "/proc/sys/"
PATIENCE = 5.0  # seconds for a tool


def look(path: str) -> dict[str, Any] | None:
    """Read a setting: its value, blanks as one, and whether its mode lets root write it. None if it is not there.

    Values of several paths are one if they are the same, else joined by commas. None for a value that cannot be read.
    """
    paths = sorted(glob.glob(PROC + path)) if "*" in path else [PROC + path]
    paths = [each for each in paths if os.path.isfile(each)]
    if not paths:
        return None
    values = list(dict.fromkeys(map(_value, paths)))
    value = ", ".join("?" if each is None else each for each in values) if len(values) > 1 else values[0]
    return {"value": value, "writable": all(os.stat(each).st_mode & 0o200 for each in paths)}


def set_line(line: dict[str, Any]) -> dict[str, Any]:
    """Give a line to its tool, or write it: the exit status, what was said, and the value right before and after."""
    was = _value_of(line)
    try:
        if not line["argv"]:
            said = write(line["path"], line["text"])
            said = f"{PROC}{line['path']}: {said}" if said else ""
            return {"status": 1 if said else 0, "said": said, "was": was, "after": _value_of(line)}
        done = subprocess.run(
            line["argv"], input=line["text"], capture_output=True, text=True, errors="replace",
            timeout=PATIENCE, check=False,
        )  # fmt: skip
        status, said = done.returncode, done.stderr.strip()
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        status, said = 1, str(error)
    return {"status": status, "said": said, "was": was, "after": _value_of(line)}


def write(path: str, value: str) -> str:
    """Write a value; the error in words, empty if it was taken."""
    try:
        with open(PROC + path, "w") as file:
            file.write(value)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def write_all(namespace: Namespace, values: dict[str, str]) -> dict[str, str]:
    """Set keys of a namespace, in order; the errors in words, by path.

    What is set for interfaces that come later (`default`) is set for those that are there, except `lo`: on a host whose
    keys are set when it boots they have it from there.
    """
    refused = {}
    with namespace.entered():
        for path, value in values.items():
            found = sorted(glob.glob(PROC + path)) if "*" in path else [PROC + path]
            if "/default/" in path:
                every = glob.glob(PROC + path.replace("/default/", "/*/", 1))
                found += [each for each in every if each.split("/")[-2] not in ("all", "default", "lo")]
            errors = [error for each in found if (error := write(each.removeprefix(PROC), value))]
            if errors or not found:
                refused[path] = errors[0] if errors else os.strerror(errno.ENOENT)
    return refused


def _value_of(line: dict[str, Any]) -> str | None:
    found = look(line["path"]) if line["path"] else None
    return found["value"] if found else None


def _value(path: str) -> str | None:
    try:
        with open(path, errors="replace") as file:
            return " ".join(file.read().split())
    except OSError:
        return None


def main(parts: list[str]) -> None:
    """Look at all keys first, then set the lines in order."""
    request = json.loads("".join(parts))
    before = {path: look(path) for path in request["keys"]}
    lines = [set_line(line) for line in request["lines"]]
    print(json.dumps({"keys": before, "lines": lines, "release": os.uname().release}))


if __name__ == "__main__":
    main(sys.argv[1:])
