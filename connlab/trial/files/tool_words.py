"""What nft and iptables-restore wrote of a text, error by error: the line that each is about, and the words.

nft quotes the line and sets carets below, which stand under nothing where a line is folded or a tab is shown as one;
so the place is told by its column and its text. The number that iptables-restore writes is one of what it was fed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

FED = "/dev/stdin"
# `/dev/stdin:5:3-9: Error: syntax error`; columns are bytes, and a tab is one.
NFT = re.compile(r"(?P<file>\S+):(?P<line>\d+):(?P<first>\d+)-(?P<last>\d+): (?P<kind>\w+): (?P<words>.*)")
MARKS = re.compile(r"[\s^~-]*[\^~][\s^~-]*")
ENDED = "unexpected end of file"
# `iptables-restore: line 4 failed: ...`, `line 2: RULE_APPEND failed`, `COMMIT expected at line 3`
AT_LINE = re.compile(r"(?:\bat )?\bline:? (?P<number>\d+)\b(?: failed(?=:))?:? ?")
NO_COMMIT = "COMMIT expected"
OCCURRED = re.compile(r"Error occurred at line: \d+$")
ADVICE = re.compile(r"Try `.* --help' for more information\.$")
GOES_ON = re.compile(r"(\(nf_tables\): )\n(?=line \d)")


class ToolError(NamedTuple):
    """An error: the number of the line, counted from 1, if it names one, the words, and the line as it was quoted."""

    number: int | None
    text: str
    quoted: str = ""


def read_errors(words: str, text: str, shift: int = 0) -> list[ToolError]:
    """Read the errors that a tool wrote of `text`, which was fed to it behind `shift` other lines."""
    lines = GOES_ON.sub(r"\1", words.replace("\r\n", "\n").replace("\r", "\\r")).split("\n")
    own = text.split("\n")
    found = []
    at = 0
    while at < len(lines):
        each = lines[at]
        at += 1
        if match := NFT.fullmatch(each):
            quoted = lines[at] if MARKS.fullmatch("".join(lines[at + 1 : at + 2])) else ""
            at += 2 if quoted else 0
            found.append(_of_nft(match, quoted, own))
        elif each.strip(" \t^~-") and not ADVICE.match(each):
            found.append(_of_a_line(each, own, shift))
    return found


def as_one_line(text: str) -> str:
    """Return a line of a file for a row of words: without the blanks around it, with blanks for tabs."""
    return text.strip().replace("\t", " ")


def _of_nft(match: re.Match[str], quoted: str, own: Sequence[str]) -> ToolError:
    number = int(match["line"])
    words = match["words"] if match["kind"] == "Error" else f"{match['kind'].lower()}: {match['words']}"
    ended = ENDED in words
    words += "" if ended else _place(quoted, int(match["first"]), int(match["last"]))
    if match["file"] != FED and own[number - 1 : number] != [quoted]:
        return ToolError(None, f"{match['file']}:{number}: {words}", quoted)
    return ToolError(_last(own) if ended else number, f"nft: {words}", quoted)


def _place(quoted: str, first: int, last: int) -> str:
    """Say where in its line an error is; nothing if it is about the whole of it."""
    data = quoted.encode()
    before, marked = (each.decode(errors="replace") for each in (data[: first - 1], data[first - 1 : last]))
    if not quoted or marked.strip() == quoted.strip():
        return ""
    return (
        f", at column {len(before) + 1}: {as_one_line(marked)}"
        if marked.strip()
        else ", at the end of the line"
    )


def _of_a_line(words: str, own: Sequence[str], shift: int) -> ToolError:
    match = AT_LINE.search(words)
    text = as_one_line(words)
    if not match:
        return ToolError(None, text)
    at = int(match["number"]) - shift
    # Beyond the text is the COMMIT that was put behind it; or its end, where one is missing.
    otherwise = _last(own) if NO_COMMIT in words else None
    return ToolError(
        at if 0 < at <= _last(own) else otherwise,
        "" if OCCURRED.match(words) else AT_LINE.sub("", text).strip(),
    )


def _last(own: Sequence[str]) -> int:
    """Return the number of the last line that says something; 1 of an empty text."""
    return max((number for number, line in enumerate(own, 1) if line.strip()), default=1)
