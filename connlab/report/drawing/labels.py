"""The words round a plot, laid so that none covers another: marks above it, the key at its right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from connlab.evidence.chart import Mark, Series
from connlab.report.drawing.axis import Axis
from connlab.report.drawing.frame import LINE, WIDTH, Frame, cut, lines, look, width
from connlab.report.drawing.markup import number, tag, text

SWATCH, GAP = 26.0, 14.0


def key_width(series: Iterable[Series]) -> float:
    """How wide the key is: its longest name, or two lines of it, with a sample before it."""
    return min(210.0, max(width(one.name) for one in series)) + SWATCH + GAP + 2


def key_height(series: Iterable[Series], room: float) -> float:
    """How high a plot must be for its key."""
    return sum(LINE * len(_name(one, room)) + 2 for one in series)


def key(frame: Frame) -> Iterator[str]:
    """Each series' name with a sample, as near to the end of its line as there is room."""
    series, scatter = frame.chart.series, frame.chart.shape == "points"
    names = [_name(one, WIDTH - frame.across.end) for one in series]
    ends = [0.0 if scatter else frame.up.place(one.points[-1][1]) for one in series]
    order = sorted(range(len(ends)), key=lambda at: (ends[at], at))
    tops = _spread([ends[at] for at in order], [len(names[at]) * LINE for at in order], frame.height)
    left = frame.across.end + GAP
    for at, top in zip(order, tops, strict=True):
        y = top + LINE / 2
        if not scatter and frame.across.place(series[at].points[-1][0]) > frame.across.end - 1:
            leader = f"M{number(frame.across.end)} {number(ends[at])}L{number(left)} {number(y)}"
            yield tag("path", d=leader, class_="leader")
        line = f"M{number(left)} {number(y)}h11h11"
        yield tag("path", d=line, class_=f"sample {look(at)}", marker_mid=frame.marker(at))
        spans = (
            tag("tspan", text(words), x=left + SWATCH, dy=LINE if index else 0.0)
            for index, words in enumerate(names[at])
        )
        yield tag("text", tag("title", text(series[at].name)) + "".join(spans), y=y + 4, class_="name")


def _name(series: Series, room: float) -> list[str]:
    return lines(series.name, room - SWATCH - GAP)


def _spread(wanted: Sequence[float], heights: Sequence[float], bottom: float) -> list[float]:
    """Tops for boxes whose first lines shall be at the `wanted` places: in order, none on another, none too low."""
    tops: list[float] = []
    free = -LINE / 2
    for place, height in zip(wanted, heights, strict=True):
        tops.append(max(free, place - LINE / 2))
        free = tops[-1] + height + 2
    limit = bottom + LINE / 2
    for at in reversed(range(len(tops))):
        tops[at] = min(tops[at], limit - heights[at])
        limit = tops[at] - 2
    return tops


def mark_rows(marks: Iterable[Mark], across: Axis) -> list[tuple[Mark, float, int]]:
    """Each mark with the left end of its label and the row that it stands in, 0 on top.

    A label stands right of its line, in the first row below every label that its line would cut. One that
    does not fit there ends at the page's edge, in a row of its own below the others.
    """
    laid: list[tuple[Mark, float, int]] = []
    late: list[Mark] = []
    for mark in sorted(marks, key=lambda mark: (mark.x, mark.label)):
        x = across.place(mark.x)
        if x + 4 + width(mark.label) > WIDTH:
            late.append(mark)
            continue
        cuts = [row for other, left, row in laid if left + width(other.label) + 4 > x]
        laid.append((mark, x + 4, max(cuts, default=-1) + 1))
    rows = max((row for *_, row in laid), default=-1) + 1
    return laid + [(mark, max(0.0, WIDTH - width(mark.label)), rows + at) for at, mark in enumerate(late)]


def marks(laid: Sequence[tuple[Mark, float, int]], frame: Frame) -> Iterator[str]:
    """The vertical lines, and over them their labels."""
    rows = 1 + max((row for *_, row in laid), default=-1)
    for mark, _, row in laid:
        x = frame.across.place(mark.x)
        yield tag("line", x1=x, x2=x, y1=(row - rows) * LINE - 8, y2=frame.height, class_="mark")
    for mark, left, row in laid:
        label = tag("title", text(mark.label)) + text(cut(mark.label, WIDTH))
        yield tag("text", label, x=left, y=(row - rows) * LINE + 3, class_="mark")
