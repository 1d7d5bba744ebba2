"""The files of a trial loaded for the first time: what their tools said, and what is in force then."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from connlab.trial import addresses, dump, lines, ruleset, scripts
from connlab.trial.conductor import Conductor
from connlab.trial.forms import Input
from connlab.trial.lines import Known, Lines
from connlab.trial.ruleset import Ruleset

TOOLS = {"iptables-save": "iptables", "ip6tables-save": "ip6tables", "nft": "nft"}
# `iptables-restore: line 4 failed`, `/dev/stdin:5:3-9: Error: ...`, `Error occurred at line: 4`
AT_LINE = re.compile(r"(?:line:? |stdin:)(\d+)")

INTERFACE = re.compile(r"(?:\s-[io]|--(?:in|out)-interface|\b[io]if(?:name)?|\bdev)\s+(\S+)")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,14}")
MOST_INTERFACES = 8

RunScript = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class Loaded(NamedTuple):
    """What loading gave: an entry for each file, the rules in force, their lines, and the texts that load them anew."""

    files: Sequence[dict[str, Any]]
    ruleset: Ruleset
    lines: Lines
    texts: Sequence[dict[str, str]]


def load(conductor: Conductor, inputs: Sequence[Input], run_script: RunScript) -> Loaded:
    """Load the files in order; what one tool refused is left out. Raises `GaveUp` for an endless script."""
    known = Known({}, {})
    texts: list[dict[str, str]] = []
    files = []
    for each in inputs:
        if each.form == "shell":
            told = run_script(_request(each, texts))
            known = scripts.follow(each, told, known)
            texts = [*dump.texts(told["listing"]), *scripts.sysctls(told)]
            files.append(scripts.file(each, told))
            continue
        text = {"tool": TOOLS[each.form], "text": each.text}
        files.append(_file(each, _load(conductor, [*texts, text])["results"][-1]))
        if files[-1]["loaded"]:
            lines.follow(each, known)
            texts.append(text)
    rules = ruleset.read(_load(conductor, texts)["listing"])
    return Loaded(files, rules, lines.lines(known, rules), texts)


def _load(conductor: Conductor, texts: Sequence[Mapping[str, str]]) -> Mapping[str, Any]:
    return conductor.ask([{"do": "load", "texts": texts}])[0]


def _request(script: Input, texts: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Ask for a run of a script after other texts, on a host with the interfaces that it names."""
    names = dict.fromkeys(name.strip("\"'") for name in INTERFACE.findall(script.text))
    return {
        "do": "script", "name": script.path, "text": script.text, "before": texts,
        "interfaces": [name for name in names if NAME.fullmatch(name) and name != "lo"][:MOST_INTERFACES],
        "targets": list(addresses.TARGETS.values()),
    }  # fmt: skip


def _file(brought: Input, result: Mapping[str, Any]) -> dict[str, Any]:
    """Tell what became of a file; a tool that a signal ended is said to have crashed."""
    status = result["status"]
    said = [line for line in f"{result['errors']}{result['output']}".splitlines() if line.strip()]
    messages = [{"line": int(at[1]) if (at := AT_LINE.search(line)) else None, "text": line} for line in said]
    if status < 0:
        messages.append({"line": None, "text": f"{result['tool']} crashed: signal {-status}"})
    return {
        "path": brought.path,
        "form": brought.form,
        "loaded": status == 0,
        "exit": status,
        "messages": messages,
    }
