"""What a tool said of a text, with the line that it means."""

from __future__ import annotations

import re
from typing import Any

from connlab.trial.files.forms import Input
from connlab.trial.files.tool_words import ToolError, as_one_line, read_errors

NO_CHAIN = re.compile(r"Chain '(\S+)' does not exist")
# nft goes on after these, and then takes every line for wrong.
INCLUDE = re.compile(r"nft: File not found: ([^\s,]+)")
CR_LF = re.compile(r"unexpected CRLF line terminators")
NO_HOST = re.compile(r"host/network .* not found|Could not resolve hostname")
NO_NAMES = "no names of hosts are looked up here: put the address in the place of the name"


def messages(words: str, text: str, shift: int = 0) -> list[dict[str, Any]]:
    """Return each error in a tool's words, and after the first of a line that line; `shift` lines were put before it.

    A word that names no line is about the one named last, or, before the first, about that.
    """
    errors = _of_their_rules(read_errors(words, text, shift), text)
    known = next((each.number for each in errors if each.number), None)
    found: list[dict[str, Any]] = []
    for each in errors:
        known = each.number or known
        if not each.text:
            continue
        is_elsewhere = each.quoted and not each.number  # in another file, which it names
        line = None if is_elsewhere else known
        is_first = is_elsewhere or not any(message["line"] == line for message in found)
        found.append({"line": line, "text": each.text})
        if CR_LF.search(each.text):
            return found
        if is_first and (source := as_one_line(each.quoted or _line(text, line))):
            found.append({"line": line, "text": source})
        if file := INCLUDE.match(each.text):
            bring = (
                f"bring {file[1]} beside it (what is not below the folder of the file is read only so), put its text in"
                " the place of this line, or bring the output of: nft list ruleset"
            )
            return [*found, {"line": line, "text": bring}]
        if NO_HOST.search(each.text):
            found.append({"line": line, "text": NO_NAMES})
    return found


def where_it_stands(message: dict[str, Any], brought: Input) -> dict[str, Any]:
    """Return a message about a text with what it includes: by the lines of the files that people have."""
    if not brought.origins or not message["line"]:
        return message
    origin = brought.origin(message["line"])
    before = f"{origin.file}:{origin.line}: " if origin.file != brought.path else ""
    return {"line": origin.at, "text": before + message["text"]}


def _of_their_rules(errors: list[ToolError], text: str) -> list[ToolError]:
    """Put in the place of COMMIT, where iptables-restore looks for chains, the first rule that names a missing one."""
    for chain in (match[1] for each in errors if (match := NO_CHAIN.search(each.text))):
        commit = next((each.number for each in errors if each.number), None)
        if rule := _naming(chain, text, commit):
            return [each._replace(number=rule if each.number == commit else each.number) for each in errors]
    return errors


def _naming(chain: str, text: str, commit: int | None) -> int | None:
    """Find the first line of a table, the one that ends there, whose rule is of a chain, or jumps to it."""
    word = re.compile(rf"(?:-[AIjg]|--append|--insert|--jump|--goto)[ =]{re.escape(chain)}(?:\s|$)")
    lines = text.split("\n")[:commit]
    begin = max((number for number, line in enumerate(lines) if line.lstrip().startswith("*")), default=0)
    return next((number for number, line in enumerate(lines[begin:], begin + 1) if word.search(line)), None)


def _line(text: str, number: int | None) -> str:
    return "".join(text.split("\n")[number - 1 : number]) if number else ""
