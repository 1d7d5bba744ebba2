"""What a tool said of a text, with the line that it means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from connlab.trial.files.forms import Input

# `iptables-restore: line 4 failed`, `/dev/stdin:5:3-9: Error: ...`, `Error occurred at line: 4`
AT_LINE = re.compile(r"(?:\bline:? |stdin:)(\d+)\b")
STDIN = re.compile(r"/dev/stdin:(\d+)")
NO_CHAIN = re.compile(r"Chain '(\S+)' does not exist")
# nft goes on after these, and then takes every line for wrong.
INCLUDE = re.compile(r"stdin:\d+:\S+ Error: File not found: (\S+)$")
CR_LF = re.compile(r"unexpected CRLF line terminators")
NO_HOST = re.compile(r"host/network .* not found|Could not resolve hostname")
NO_NAMES = "no names of hosts are looked up here: put the address in the place of the name"
ADVICE = re.compile(r"Try `.* --help' for more information\.$")


def messages(words: str, text: str, shift: int = 0) -> list[dict[str, Any]]:
    """Return each line of a tool's words; `shift` is how many lines were put before the text's own.

    A word that names no line is about the one named last, or, before the first, about that.
    """
    lines = words.replace("\r\n", "\n").replace("\r", "\\r").split("\n")
    said = [each for each in lines if each.strip(" ^~-") and not ADVICE.match(each)]
    numbers = [int(at[1]) - shift if (at := AT_LINE.search(each)) else None for each in said]
    for chain in (match[1] for each in said if (match := NO_CHAIN.search(each))):
        # iptables-restore looks for chains at COMMIT, and names that line.
        naming = _naming(chain, text)
        if len(naming) == 1 and len({number for number in numbers if number}) == 1:
            numbers = [naming[0]] * len(said)
    known = next((number for number in numbers if number), None)
    found = []
    for each, number in zip(said, numbers, strict=True):
        known = number or known
        found.append({"line": known, "text": each})
        if file := INCLUDE.search(each):
            bring = (
                f"bring {file[1]} beside it (what is not below the folder of the file is read only so), put its text in"
                " the place of this line, or bring the output of: nft list ruleset"
            )
            return [*found, {"line": known, "text": bring}]
        if CR_LF.search(each):
            return found
        if NO_HOST.search(each):
            found.append({"line": known, "text": NO_NAMES})
    return found


def where_it_stands(message: dict[str, Any], brought: Input) -> dict[str, Any]:
    """Return a message about a text with what it includes: by the lines of the files that people have."""
    if not brought.origins or not message["line"]:
        return message
    text = STDIN.sub(lambda at: "{}:{}".format(*brought.origin(int(at[1]))), message["text"])
    return {"line": brought.origin(message["line"]).at, "text": text}


def _naming(chain: str, text: str) -> Sequence[int]:
    """Find the lines whose rules are of a chain, or jump to it."""
    word = re.compile(rf"(?:-[AIjg]|--append|--insert|--jump|--goto)[ =]{re.escape(chain)}(?:\s|$)")
    return [number for number, line in enumerate(text.split("\n"), 1) if word.search(line)]
