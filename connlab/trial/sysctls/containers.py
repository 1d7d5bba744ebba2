"""Containers that kernel settings are tried in: one for the lines of tools, one for each that an engine would make.

Their network namespaces are the engine's, not those of a user namespace, which lack some keys. Nobody in them has a
capability; /proc/sys/net is their own and writable, all else of /proc/sys is not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from connlab.base.errors import LabError
from connlab.trial.sysctls.lines import Setting
from connlab.trial.sysctls.seen import Look

PROGRAM = ["-S", "-E", "-m", "namespaces.sysctls"]
Run = Callable[..., tuple[int, str]]  # of a machine (connlab/trial/hosts/machine.py)
PART = 100_000  # characters: the kernel takes 128 KiB in one argument (MAX_ARG_STRLEN)


class Lines(NamedTuple):
    """What tools made of lines on a new host, and its keys before."""

    keys: Mapping[str, Look | None]
    results: Sequence[Mapping[str, Any]]  # status, said, was, after
    release: str = ""  # of the kernel


class Started(NamedTuple):
    """A container that an engine made: the words of the lines to blame, by path; the values of the others."""

    blamed: Mapping[str, str]
    values: Mapping[str, Look | None]


def set_lines(run: Run, paths: Sequence[str], lines: Sequence[Setting]) -> Lines:
    """Give each line to its tool on a new host, in order. Raises `LabError` if there is none."""
    given = [
        {
            "argv": [_anywhere(word, each) for word in each.argv],
            "text": _anywhere(each.text, each) if each.argv else each.asked,
            "path": each.path,
        }
        for each in lines
    ]
    answer = _ask(run, {"keys": list(paths), "lines": given}, user="0", writable_net=True)
    return Lines(_looks(answer["keys"]), answer["lines"], answer["release"])


def machine_keys(run: Run, paths: Sequence[str]) -> Mapping[str, Look | None]:
    """Look at keys in the network namespace of the engine's machine, which is read-only and dials nothing."""
    if not paths:
        return {}
    return _looks(_ask(run, {"keys": list(paths), "lines": []}, network="host")["keys"])


def start(run: Run, group: Sequence[Setting]) -> Started:
    """Make a container with these settings; while it does not start, leave out the line to blame, and say which.

    Raises `LabError` where the engine names none of them.
    """
    left = {each.path: each.asked for each in group}
    names = {each.path: each.written or _name(each.path) for each in group}
    blamed: dict[str, str] = {}
    request = {"keys": list(left), "lines": []}
    while True:
        status, output = _run(run, request, sysctls={names[path]: asked for path, asked in left.items()})
        if status == 0:
            return Started(blamed, _looks(json.loads(output)["keys"]))
        path = next((each for each in sorted(left, key=len, reverse=True) if _named(each, output)), None)
        if path is None:
            raise LabError("the engine does not start a container with these sysctls", output)
        blamed[path] = output
        del left[path]


def _anywhere(words: str, setting: Setting) -> str:
    """Put `default` in the place of an interface that is not there, in the words of a line."""
    name = setting.interface
    if not name:
        return words
    written = "|".join({re.escape(name), re.escape(name.replace(".", "/"))})
    return re.sub(rf"((?:conf|neigh)[./])(?:{written})(?=[./])", r"\1default", words, count=1)


def _named(path: str, words: str) -> bool:
    return path in words or _name(path) in words


def _name(path: str) -> str:
    """Write a path as an engine takes it: with dots, or as it is if a part has one."""
    return path if "." in path else path.replace("/", ".")


def _looks(keys: Mapping[str, Any]) -> dict[str, Look | None]:
    return {path: Look(**found) if found else None for path, found in keys.items()}


def _ask(run: Run, request: Mapping[str, Any], **options: Any) -> Any:
    status, output = _run(run, request, **options)
    try:
        return json.loads(output.splitlines()[-1])
    except (ValueError, IndexError):
        raise LabError("kernel settings cannot be tried", f"exit status {status}: {output}") from None


def _run(run: Run, request: Mapping[str, Any], **options: Any) -> tuple[int, str]:
    text = json.dumps(request)
    parts = [text[at : at + PART] for at in range(0, len(text), PART)]
    return run([*PROGRAM, *parts], **options)
