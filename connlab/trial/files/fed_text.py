"""Texts that a script feeds to a tool, by a here-document or a file that it wrote: where they stand in the script."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connlab.trial.files import texts
from connlab.trial.files.forms import Input
from connlab.trial.files.lines import ChainName, Line, Origin

FORMS = {
    "nft": "nft",
    "iptables": "iptables-save",
    "ip6tables": "ip6tables-save",
}  # by the start of a tool's name


def fed(brought: Input, call: Mapping[str, Any], line: int | None) -> Origin | None:
    """Return where the rules of the text come from that a call was fed; None if it stands nowhere in the script."""
    form = next((form for tool, form in FORMS.items() if call["tool"].startswith(tool)), None)
    if not call["input"] or form is None:
        return None
    text = Input(brought.path, form, call["input"])
    own = texts.prepare(text)
    origin = own.texts[own.own[0]].origin
    at = place(brought.text, call["input"], line or 1)
    return _moved(origin, lambda each: Line(each.file, each.line + at)) if at is not None else None


def place(script: str, text: str, line: int) -> int | None:
    """Return how many lines of the script come before a text: where most lines are the same, variables being filled in.

    Of several such places, the one that comes next after a line. None if not even half of the lines are anywhere.
    """
    there, here = ([each.strip() for each in whole.split("\n")] for whole in (script, text.rstrip("\n")))
    wanted = [(at, each) for at, each in enumerate(here) if each]

    def alike(start: int) -> int:
        return sum(start + at < len(there) and there[start + at] == each for at, each in wanted)

    best = max(range(len(there)), key=lambda start: (alike(start), start >= line, -abs(start - line)))
    return best if wanted and alike(best) * 2 >= len(wanted) else None


def _moved(origin: Origin, move: Callable[[Line], Line]) -> Origin:
    rules: dict[ChainName, list[Line | None]] = {
        chain: [move(each) if each else None for each in order] for chain, order in origin.rules.items()
    }
    return Origin(rules, {chain: move(each) for chain, each in origin.policies.items()})
