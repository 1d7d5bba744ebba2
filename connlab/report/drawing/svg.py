"""A chart as SVG: no script, nothing from elsewhere, colours from the page (connlab/report/drawing/look.py).

Lines differ by colour, dash and marker, so that they can be told apart in grey, and where they lie on one
another: the later one is thinner and has gaps to see through, and each has its markers at other places.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from connlab.evidence.chart import Chart, Point, Series
from connlab.report.drawing.axis import axis, some, thinned
from connlab.report.drawing.frame import COLOURS, LINE, WIDTH, Frame, cut, look, width
from connlab.report.drawing.labels import key, key_height, key_width, mark_rows, marks
from connlab.report.drawing.markup import number, tag, text

HEIGHT = 260.0  # of the plot, at least
MARKERS = ("M4 .8a3.2 3.2 0 1 0 .01 0z", "M1.2 1.2h5.6v5.6h-5.6z", "M4 .4 7.4 7h-6.8z",
           "M4 0 8 4 4 8 0 4z", "M4 7.6 .6 1h6.8z", "M1 1 7 7M7 1 1 7")  # fmt: skip
PER_LINE, TOOLTIPS = 8, 200  # of one series: markers, and points that tell their values


def drawn(chart: Chart, name: str) -> str:
    """The chart; `name` is one that no other chart of the page has."""
    frame = _framed(chart, name)
    laid = mark_rows(chart.marks, frame.across)
    top = 36 + LINE * (1 + max((row for *_, row in laid), default=-1))
    middle = (frame.across.start + frame.across.end) / 2
    half = min(width(chart.x), WIDTH) / 2
    plot = [
        *_grid(frame),
        *marks(laid, frame),
        *(_series(frame, series, at) for at, series in enumerate(chart.series)),
        *key(frame),
        *(_tooltips(frame, series) for series in chart.series),
    ]
    parts = [
        tag("defs", "".join(_marker(frame, at) for at in range(min(COLOURS, len(chart.series))))),
        tag("text", text(cut(chart.y, WIDTH)), class_="title", x=0.0, y=12.0),
        tag("g", "\n".join(plot), transform=f"translate(0 {number(top)})"),
        tag("text", text(cut(chart.x, WIDTH)), class_="title", text_anchor="middle",
            x=min(max(middle, half), WIDTH - half), y=top + frame.height + 37),
    ]  # fmt: skip
    return tag("svg", "\n".join(parts), class_=f"chart {chart.shape}", role="img",
               viewBox=f"0 0 {number(WIDTH)} {number(top + frame.height + 44)}",
               aria_label=f"{chart.title}. {chart.note}")  # fmt: skip


def _framed(chart: Chart, name: str) -> Frame:
    """The axes: left of the plot is room for their numbers, right of it for the key."""
    room = key_width(chart.series)
    height = max(HEIGHT, key_height(chart.series, room))
    points = [point for series in chart.series for point in series.points]
    up = axis([y for _, y in points], (height, 0), ticks=5, zero=0.75, whole=True)
    left = max(width(up.label(tick)) for tick in up.ticks()) + 8
    xs = [x for x, _ in points] + [mark.x for mark in chart.marks]
    return Frame(chart, name, axis(xs, (left, WIDTH - room), ticks=8, zero=0.25, whole=False), up)


def _grid(frame: Frame) -> Iterator[str]:
    """Light lines at round values, and the values."""
    across, up = frame.across, frame.up
    for tick in across.ticks():
        x = across.place(tick)
        yield tag("line", x1=x, x2=x, y1=0.0, y2=frame.height, class_="grid x")
        yield tag("text", across.label(tick), x=x, y=frame.height + 17, class_="tick x", text_anchor="middle")
    for tick in up.ticks():
        y = up.place(tick)
        kind = "zero y" if tick == 0 else "grid y"
        yield tag("line", x1=across.start, x2=across.end, y1=y, y2=y, class_=kind)
        yield tag("text", up.label(tick), x=across.start - 7, y=y + 4, class_="tick y", text_anchor="end")


def _series(frame: Frame, series: Series, at: int) -> str:
    shape = frame.chart.shape
    points = thinned(series.points, shape, frame.across, frame.up)
    if shape == "points":
        return _dots(frame, points, at)
    thick = max(2.0, 3.0 - at * 0.5)
    line = tag("path", d=_path(frame, points, shape), class_=f"line {look(at)}", stroke_width=thick)
    return line + _dots(frame, _staggered(frame, series.points, at), at)


def _path(frame: Frame, points: Sequence[Point], shape: str) -> str:
    """The line: steps go across at the old value, then up or down at the new moment."""
    places = [(number(frame.across.place(x)), number(frame.up.place(y))) for x, y in points]
    (x, y), *rest = places
    if shape == "steps":
        return f"M{x} {y}" + "".join(f"H{x}V{y}" for x, y in rest or places)
    return f"M{x} {y}L" + " ".join(f"{x} {y}" for x, y in rest or places)


def _dots(frame: Frame, points: Sequence[Point], at: int) -> str:
    ref = frame.marker(at)
    path = _path(frame, points, "points")
    return tag("path", d=path, class_="dots", marker_start=ref, marker_mid=ref, marker_end=ref)


def _staggered(frame: Frame, points: Sequence[Point], at: int) -> list[Point]:
    """Some points of a line for its markers, at other places than those of the other lines."""
    xs = [x for x, _ in points]
    low, step = frame.across.low, (frame.across.high - frame.across.low) / PER_LINE
    wanted = (low + step * (turn + (at + 0.5) / len(frame.chart.series)) for turn in range(PER_LINE))
    found = {bisect_left(xs, x) for x in wanted if xs[0] <= x <= xs[-1]}
    return [points[index] for index in sorted(found or {0})]


def _marker(frame: Frame, at: int) -> str:
    """The marker of a colour; SVG then draws one wherever a path of `dots` turns."""
    size = 8 if frame.chart.shape == "points" else 10
    return tag("marker", tag("path", d=MARKERS[at], class_=f"m s{at}"), id=f"{frame.name}-m{at}",
               viewBox="-1 -1 10 10", refX=4, refY=4, markerWidth=size, markerHeight=size,
               markerUnits="userSpaceOnUse")  # fmt: skip


def _tooltips(frame: Frame, series: Series) -> str:
    """Wide, invisible dots that tell their values to a pointer that rests on them."""
    chart, across, up = frame.chart, frame.across, frame.up
    told = "{}\n{:,.10g} {}\n{:,.10g} {}"
    return "".join(
        tag("circle", tag("title", told.format(text(series.name), x, text(chart.x), y, text(chart.y))),
            cx=across.place(x), cy=up.place(y), r=6, class_="tip")
        for x, y in some(thinned(series.points, chart.shape, across, up), TOOLTIPS)
    )  # fmt: skip
