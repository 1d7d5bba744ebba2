"""What the parts of a drawing share, and how much room words take in it."""

from __future__ import annotations

import textwrap
import unicodedata
from dataclasses import dataclass

from connlab.evidence.chart import Chart
from connlab.report.drawing.axis import Axis

WIDTH = 700.0  # of a chart with its key, in units of its viewBox; the page scales them
FONT, LINE = 12.0, 15.0
COLOURS, DASHES = 6, 5  # as many as connlab/report/drawing/look.py has; together they last for 30 series


@dataclass(frozen=True)
class Frame:
    """A chart on its axes; `name` is one that no other chart of the page has."""

    chart: Chart
    name: str
    across: Axis
    up: Axis

    @property
    def height(self) -> float:
        """Of the plot; its top is 0, so its bottom is at this place."""
        return self.up.start

    def marker(self, at: int) -> str:
        """The reference to the marker of a series, by its number."""
        return f"url(#{self.name}-m{at % COLOURS})"


def look(at: int) -> str:
    """The classes that give a series its colour and its dash, by its number."""
    return f"s{at % COLOURS} d{at % DASHES}"


def width(words: str) -> float:
    """How wide words are at most, in the widest of the fonts that a reader may have (DejaVu Sans)."""
    return sum(_em(letter) for letter in words) * FONT


def cut(words: str, room: float) -> str:
    """The words, or as many of their letters as fit into `room`, and an ellipsis."""
    if width(words) <= room:
        return words
    while words and width(words + "…") > room:
        words = words[:-1]
    return words + "…"


def lines(words: str, room: float) -> list[str]:
    """The words on at most two lines, each no wider than `room`."""
    if width(words) <= room:
        return [words]
    letters = max(4, int(room / FONT / 0.6))
    return [cut(line, room) for line in textwrap.wrap(words, letters, max_lines=2, placeholder="…")]


def _em(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.05
    return 0.42 if letter in "ijlIrtf.,:;|!'()[] " else 1.0 if letter in "mMwW@%…" else 0.66
