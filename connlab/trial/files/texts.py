"""What a file gives to the tools: texts with the lines that they come from, and what is said of that."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from connlab.trial.files import restore_parts, restore_text, ufw
from connlab.trial.files.forms import BOTH, Input
from connlab.trial.files.lines import ChainName, Line, Origin
from connlab.trial.files.nft_text import statements
from connlab.trial.files.restore_parts import Part

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
    """The texts of a file: `own` are the numbers of those with its own words, which begin `shift` lines later there."""

    texts: Sequence[Text]
    own: Sequence[int]
    shift: int
    notes: Sequence[str]


def prepare(brought: Input) -> Prepared:
    """Make texts of a file; whatever no tool takes as it is stays as it is."""
    notes = of_its_bytes(brought)
    if brought.form == "nft":
        return Prepared([Text("nft", brought.text, _of_nft(brought))], [0], 0, notes)
    fragment = brought.form == "ufw"
    shift = 0 if restore_text.has_table(brought.text) else 1
    if shift:
        notes.append("it names no table: its rules went into the table filter")
    found: list[Text] = []
    own = []
    for part in parts_of(brought):
        tool, family = ("ip6tables", "ip6") if part.family == 6 else ("iptables", "ip")
        text = f"*filter\n{part.text}\nCOMMIT\n" if shift else part.text
        origin = restore_text.origin(brought._replace(text=part.text), family)
        found += [Text(f"{tool}-beside", ufw.before(part.text), NOWHERE)] if fragment else []
        own.append(len(found))
        found.append(Text(f"{tool}-beside" if fragment or shift else tool, text, origin))
        if fragment and (after := ufw.after(part.text)):
            found.append(Text(f"{tool}-beside", after, NOWHERE))
    if fragment:
        notes.append(
            "ufw's own part is not here: its chains are hooked as ufw does, and what they leave is let in"
        )
    return Prepared(found, own, shift, notes)


def parts_of(brought: Input) -> Sequence[Part]:
    """Return the text of each family; most files have one."""
    six = brought.form == "ip6tables-save" or (brought.form == "ufw" and ufw.family(brought.text) == "ip6")
    both = restore_parts.parts(brought.text) if brought.form in (BOTH, "ufw") else []
    return both or [Part(6 if six else 4, brought.text)]


def _of_nft(text: Input) -> Origin:
    rules: dict[ChainName, list[Line | None]] = {}
    policies: dict[ChainName, Line] = {}
    for statement in statements(text.text):
        line = Line(*text.origin(statement.line)[:2])
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
