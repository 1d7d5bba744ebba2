"""Lines of the hosts' logs: the time, the host in its own colour, the event and its fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from connlab.base import output
from connlab.cli.show.terminal import console, joined, pale, styled
from connlab.cluster.logs import Line
from connlab.machine.events import word

COLOURS = (
    "cyan", "green", "yellow", "blue", "magenta", "bright_cyan", "bright_green", "bright_yellow", "bright_blue",
)  # fmt: skip
WIDEST = len("client-99")  # a longer name moves its line


class Log:
    """Where lines are shown, one after another; it remembers the colour of each host."""

    def __init__(self) -> None:
        self._out = console()
        self._colours: dict[str, str] = {}

    def show(self, line: Line) -> None:
        """Show a line at once; at a terminal with the colour of its host."""
        clock, name = line.ts[11:-1], f"{line.host.name:<{WIDEST}}"
        words = f"| {line.text}" if line.event is None else event_words(line.event.event, line.event.fields)
        if not self._out.is_terminal:
            output.show(f"{clock} {name} {words}")
            return
        colour = self._colours.setdefault(line.host.name, COLOURS[len(self._colours) % len(COLOURS)])
        self._out.sentence(output.visible(words), joined(pale(clock), " ", styled(name, colour), " "))


def as_json(line: Line) -> None:
    """Print a line as an object: the fields of its event, or its `text`."""
    head = {"ts": line.ts, "service": line.host.service, "host": line.host.name}
    rest = {"text": line.text} if line.event is None else {"event": line.event.event, **line.event.fields}
    output.show(json.dumps({**head, **rest}))


def event_words(event: str, fields: Mapping[str, Any]) -> str:
    """Say an event and its fields, `refused source=10.0.0.2 source_port=4711`; what is null is left out."""
    pairs = (f"{name}={word(value)}" for name, value in fields.items() if value is not None)
    return " ".join([str(event), *pairs])
