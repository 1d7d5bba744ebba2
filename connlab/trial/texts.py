"""What a file gives to the tools: texts with the lines that they come from, and what is said of that."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from connlab.trial import restore_text, ufw
from connlab.trial.forms import Input
from connlab.trial.lines import ChainName, Line, Origin
from connlab.trial.nft_text import statements

NOWHERE = Origin({}, {})
BYTE_ORDER_MARK = "\ufeff"


class Text(NamedTuple):
    """A text for a tool of namespaces/loading.py, and where what it makes comes from."""

    tool: str
    text: str
    origin: Origin

    def request(self) -> dict[str, str]:
        """Return it as the sandbox takes it."""
        return {"tool": self.tool, "text": self.text}


class Prepared(NamedTuple):
    """The texts of a file: `own` is the number of the one with its own words, which begin `shift` lines later there."""

    texts: Sequence[Text]
    own: int
    shift: int
    notes: Sequence[str]


def prepare(brought: Input) -> Prepared:
    """Make texts of a file; whatever no tool takes as it is stays as it is."""
    notes = of_its_bytes(brought)
    if brought.form == "nft":
        return Prepared([Text("nft", brought.text, _of_nft(brought))], 0, 0, notes)
    fragment = brought.form == "ufw"
    six = brought.form == "ip6tables-save" or (fragment and ufw.family(brought.text) == "ip6")
    tool, family = ("ip6tables", "ip6") if six else ("iptables", "ip")
    text, shift = brought.text, 0
    if not restore_text.has_table(text):
        text, shift = f"*filter\n{text}\nCOMMIT\n", 1
        notes.append("it names no table: its rules went into the table filter")
    own = Text(f"{tool}-beside" if fragment or shift else tool, text, restore_text.origin(brought, family))
    if not fragment:
        return Prepared([own], 0, shift, notes)
    notes.append(
        "ufw's own part is not here: its chains are hooked as ufw does, and what they leave is let in"
    )
    words = (ufw.before(brought.text), ufw.after(brought.text))
    around = [Text(f"{tool}-beside", each, NOWHERE) for each in words if each]
    return Prepared([around[0], own, *around[1:]], 1, shift, notes)


def _of_nft(text: Input) -> Origin:
    rules: dict[ChainName, list[Line | None]] = {}
    policies: dict[ChainName, Line] = {}
    for statement in statements(text.text):
        line = Line(text.path, statement.line)
        if statement.kind == "policy":
            policies[statement.chain] = line
        elif statement.kind in ("add", "insert", "replace"):
            rules.setdefault(statement.chain, []).append(line)
    return Origin(rules, policies)


def of_its_bytes(brought: Input) -> list[str]:
    """Say what tools stumble over in a text that looks right, and the command that takes it out."""
    notes = []
    file = shlex.quote(brought.path)
    if brought.text.startswith(BYTE_ORDER_MARK):
        notes.append(
            "it begins with a byte order mark, which tools take for a part of the first line: take it out with "
            + ("sed '1s/^\\xef\\xbb\\xbf//'" if file == "-" else f"sed -i '1s/^\\xef\\xbb\\xbf//' {file}")
        )
    if "\r\n" in brought.text:
        notes.append(
            "its lines end with CR LF, and some tools take the CR for a part of the line: take it out with "
            + ("tr -d '\\r'" if file == "-" else f"sed -i 's/\\r$//' {file}")
        )
    return notes


def origins(texts: Sequence[Text]) -> list[Origin]:
    """Return the origins of texts."""
    return [text.origin for text in texts]


def requests(texts: Sequence[Text]) -> list[dict[str, str]]:
    """Return texts as the sandbox takes them."""
    return [text.request() for text in texts]
