"""Charts as experiments leave them in the evidence: Vega-Lite specifications (docs/report.md is the contract).

A chart is one panel, or several below one another over the same x. A mistake is found in the test that made it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from connlab.evidence.vega_lite import SCHEMA, Spec, check

WIDTH, HEIGHT, ROW = 560, 240, 64  # of a plot, of the only panel, of one among others, in pixels
LINE = 15  # pixels between two labels
DOTS = 100  # of more points, no dot would be told from the next

Points = Sequence[tuple[float, float]]


def chart(
    *,
    family: str,
    title: str,
    note: str,
    x: str,
    panels: Sequence[Spec],
    moments: Mapping[str, float] | None = None,
) -> Spec:
    """Build a chart of panels over the same x; `moments` are vertical lines, by their label.

    Raises ValueError if a report could not draw it.
    """
    last = max(row["x"] for panel in panels for row in panel["data"]["values"])
    when = moments or {}
    lines = [_alone({"type": "rule"}, {"x": {"datum": at}}) for at in when.values()]
    labels = [_label(words, at, row, at > last / 2) for row, (words, at) in enumerate(when.items())]
    for panel in panels:
        axis: Spec = {"tickCount": 6} | ({} if panel is panels[-1] else {"title": None, "labels": False})
        across = {"field": "x", "type": "quantitative", "title": x, "axis": axis}
        panel["layer"][0]["encoding"]["x"] = across
        panel["layer"] += lines + (labels if panel is panels[0] else [])
        panel |= {"width": WIDTH, "height": ROW if len(panels) > 1 else HEIGHT}
    return check({
        "$schema": SCHEMA,
        "usermeta": {"connlab": {"family": family}},
        "title": title,
        "description": note,
        "vconcat": list(panels),
        "resolve": {"scale": {"x": "shared"}},
    })  # fmt: skip


def steps(title: str, lines: Mapping[str, Points] | Points) -> Spec:
    """Build a panel in which a number holds until the next one: one line, or several with their names at their ends."""
    if isinstance(lines, Mapping):
        return _panel(title, lines, {"type": "line", "interpolate": "step-after"})
    return _panel(title, {"": lines}, {"type": "area", "interpolate": "step-after", "line": True})


def slope(title: str, points: Points) -> Spec:
    """Build a panel of one line through points, each of which was measured and has a dot if they are few."""
    return _panel(title, {"": points}, {"type": "area", "line": True, "point": len(points) <= DOTS})


def curves(title: str, lines: Mapping[str, Points]) -> Spec:
    """Build a panel of several lines through points that were measured, with their names at their ends."""
    return _panel(title, lines, {"type": "line", "point": True})


def _panel(title: str, lines: Mapping[str, Points], mark: Spec) -> Spec:
    rows = [
        {"x": x, "number": number} | ({"series": name} if name else {})
        for name, points in lines.items()
        for x, number in points
    ]
    encoding: Spec = {
        "y": {"field": "number", "type": "quantitative", "title": "number",
              "axis": {"title": None, "tickMinStep": 1, "tickCount": 3 if "" in lines else 6}},
    }  # fmt: skip
    if "" in lines:
        return {"title": title, "data": {"values": rows}, "layer": [{"mark": mark, "encoding": encoding}]}
    encoding["color"] = _colour({"field": "series", "type": "nominal", "title": "series"}, lines)
    return {
        "title": title,
        "data": {"values": rows},
        "layer": [{"mark": mark, "encoding": encoding}, *_names(lines)],
    }


def _colour(of_what: Spec, lines: Iterable[str]) -> Spec:
    return of_what | {"scale": {"domain": list(lines)}, "legend": None}


def _names(lines: Mapping[str, Points]) -> Iterator[Spec]:
    """Yield the name of each line at its end, moved up where it would cover the one below."""
    most = max(number for points in lines.values() for _, number in points)
    free = -1.0
    for name, points in sorted(lines.items(), key=lambda line: line[1][-1][1]):
        x, number = points[-1]
        height = number / (most or 1) * HEIGHT
        place = max(free, height)
        free = place + LINE
        mark = {"type": "text", "text": name, "align": "left", "dx": 6, "dy": height - place}
        colour = _colour({"datum": name, "type": "nominal"}, lines)
        yield _alone(mark, {"x": {"datum": x}, "y": {"datum": number}, "color": colour})


def _label(words: str, at: float, row: int, is_late: bool) -> Spec:
    """Return the label of a moment: in a row of its own above the plot, on the side that has room."""
    mark = {"type": "text", "text": words, "align": "right" if is_late else "left", "baseline": "bottom"}
    return _alone(mark | {"dy": -4 - LINE * row}, {"x": {"datum": at}, "y": {"value": 0}})


def _alone(mark: Spec, encoding: Spec) -> Spec:
    return {"data": {"values": [{}]}, "mark": mark, "encoding": encoding}  # drawn once, not for each row
