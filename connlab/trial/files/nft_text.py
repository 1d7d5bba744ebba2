"""The statements of an nft script, with their lines: which chain each rule belongs to, and where a policy is set."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

NOT_A_RULE = re.compile(r"(type|policy|flags|comment|devices?|hook|priority|include|define)\b")
FAMILY = r"(?:(ip|ip6|inet|arp|bridge|netdev)\s+)?"
TABLE = re.compile(rf"(?:add |create )?table\s+{FAMILY}(\S+)$")
CHAIN = re.compile(rf"(?:add |create )?chain\s+(?:{FAMILY}(\S+)\s+)?(\S+)$")
RULE = re.compile(rf"(add|insert|replace)\s+rule\s+{FAMILY}(\S+)\s+(\S+)\s")


class Statement(NamedTuple):
    """One statement: `kind` add, insert, replace, policy or flush; `line` is where it begins."""

    kind: str
    chain: tuple[str, str, str]
    line: int


class Token(NamedTuple):
    """A piece of text up to a `{`, a `}`, a `;` or the end of a line, which is `end`."""

    text: str
    end: str
    line: int


def statements(text: str) -> Iterator[Statement]:
    """Yield what concerns rules, in order."""
    blocks: list[
        tuple[str, ...]
    ] = []  # what each open brace belongs to: ("table", family, name), ("chain", ...), ("other",)
    held, began = "", 0
    for token in _tokens(text):
        piece = token.text.strip()
        if not held:
            began = token.line
        held = f"{held} {piece}".strip()
        if token.end == "{":
            block = _block(held, blocks)
            if block[0] == "set" and (not blocks or blocks[-1][0] != "table"):
                blocks.append(("set",))
                continue  # the braces of a set inside a rule: it goes on
            blocks.append(block)
            held = ""
        elif token.end == "}":
            if blocks and blocks[-1][0] != "set":
                yield from _statement(held, began, blocks)
                held = ""
            if blocks:
                blocks.pop()
        elif not blocks or blocks[-1][0] != "set":
            yield from _statement(held, began, blocks)
            held = ""


def _block(head: str, blocks: list[tuple[str, ...]]) -> tuple[str, ...]:
    if match := TABLE.match(head):
        return ("table", match[1] or "ip", match[2])
    if match := CHAIN.match(head):
        if match[2]:
            return ("chain", match[1] or "ip", match[2], match[3])
        if blocks and blocks[-1][0] == "table":
            return ("chain", *blocks[-1][1:], match[3])
    return ("set",)


def _statement(text: str, line: int, blocks: list[tuple[str, ...]]) -> Iterator[Statement]:
    if not text:
        return
    if blocks and blocks[-1][0] == "chain":
        chain = (blocks[-1][1], blocks[-1][2], blocks[-1][3])
        if NOT_A_RULE.match(text):
            if re.search(r"\b(policy|hook)\b", text):
                yield Statement("policy", chain, line)
        else:
            yield Statement("add", chain, line)
    elif match := RULE.match(f"{text} "):
        yield Statement(match[1], (match[2] or "ip", match[3], match[4]), line)
    elif text.startswith("flush ruleset"):
        yield Statement("flush", ("", "", ""), line)


def _tokens(text: str) -> Iterator[Token]:
    """Cut a text at braces, semicolons and ends of lines, outside of quotes; comments are left out."""
    piece, line, began = "", 1, 1
    quoted = comment = False
    after = ""
    for character in text:
        if comment and character != "\n":
            continue
        comment = False
        if quoted:
            quoted = character != '"'
            piece += character
        elif character == '"':
            quoted = True
            piece += character
        elif character == "#":
            comment = True
        elif character == "\n" and after == "\\":
            piece = piece[:-1] + " "
        elif character in "{};\n":
            yield Token(piece, character, began)
            piece = ""
        else:
            if not piece.strip():
                began = line
            piece += character
        line += character == "\n"
        after = character
    yield Token(piece, "\n", began)
