"""The files of a trial loaded for the first time: what their tools said, and what is in force then."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from connlab.trial import lines, ruleset
from connlab.trial.conductor import Conductor
from connlab.trial.forms import Input
from connlab.trial.lines import Lines
from connlab.trial.ruleset import Ruleset

TOOLS = {"iptables-save": "iptables", "ip6tables-save": "ip6tables", "nft": "nft"}
# `iptables-restore: line 4 failed`, `/dev/stdin:5:3-9: Error: ...`, `Error occurred at line: 4`
AT_LINE = re.compile(r"(?:line:? |stdin:)(\d+)")


class Loaded(NamedTuple):
    """What loading gave: an entry for each file, the rules in force, their lines, and the texts that load them anew."""

    files: Sequence[dict[str, Any]]
    ruleset: Ruleset
    lines: Lines
    texts: Sequence[dict[str, str]]


def load(conductor: Conductor, inputs: Sequence[Input]) -> Loaded:
    """Load the files in order; what one tool refused is left out of what is tried."""
    texts = [{"tool": TOOLS[each.form], "text": each.text} for each in inputs]
    answer = conductor.ask([{"do": "load", "texts": texts}])[0]
    files = [_file(each, result) for each, result in zip(inputs, answer["results"], strict=True)]
    inside = [each for each, file in zip(inputs, files, strict=True) if file["loaded"]]
    rules = ruleset.read(answer["listing"])
    again = [text for text, file in zip(texts, files, strict=True) if file["loaded"]]
    return Loaded(files, rules, lines.lines(inside, rules), again)


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
