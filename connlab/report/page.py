"""A family of experiments as one page: what run, what was claimed, and its charts. Pure: evidence in, HTML out.

The page needs nothing but itself: no script, no font, nothing from the network; its policy (CSP) forbids them
as well. The same evidence gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from connlab.evidence.chart import Chart, Series
from connlab.report.drawing.axis import changes, some
from connlab.report.drawing.look import STYLE
from connlab.report.drawing.markup import tag, text
from connlab.report.drawing.svg import drawn

Row = Mapping[str, str]  # setting, side (may lack), sentence, evidence, verdict
COLUMNS = {
    "setting": "setting",
    "side": "side",
    "sentence": "claim",
    "evidence": "measured",
    "verdict": "verdict",
}
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
ROWS = 300  # of a table below a chart: more is work for a program, and that reads the evidence


def page(
    family: str, charts: Mapping[str, Chart], rows: Iterable[Row], run: str, machine: Mapping[str, str]
) -> str:
    """The page of a family: its charts by the file that each was read from, its claims, and where it ran."""
    figures = (figure(chart, f"c{at}", source) for at, (source, chart) in enumerate(charts.items()))
    return "\n".join([
        "<!doctype html>",
        '<html lang="en">',
        tag("head", "\n".join([
            '<meta charset="utf-8">',
            tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            tag("title", text(f"{family}: connlab {run}")),
            tag("style", STYLE),
        ])),
        "<body>",
        tag("h1", text(family)),
        tag("p", " · ".join(text(part) for part in (f"connlab, run {run}", *_machine(machine))), class_="run"),
        claims(list(rows)),
        *figures,
        "</body>",
        "</html>",
        "",
    ])  # fmt: skip


def _machine(machine: Mapping[str, str]) -> list[str]:
    return [f"{what} {machine[what]}" for what in ("kernel", "engine") if machine.get(what)]


def claims(rows: Sequence[Row]) -> str:
    """The table of claims; a column that no row fills is left out, and so is a table without rows."""
    if not rows:
        return ""
    names = [name for name in COLUMNS if any(row.get(name) for row in rows)]
    head = tag("tr", "".join(tag("th", COLUMNS[name], scope="col") for name in names))
    body = "\n".join(
        tag("tr", "".join(_cell(name, row.get(name, "")) for name in names), class_=_class(row["verdict"]))
        for row in rows
    )
    return tag(
        "div", tag("table", f"<thead>{head}</thead>\n<tbody>{body}</tbody>", class_="claims"), class_="wide"
    )


def _cell(name: str, words: str) -> str:
    return tag(
        "td", tag("span", text(words), class_=f"verdict {words}") if name == "verdict" else text(words)
    )


def _class(verdict: str) -> str:
    return "none" if verdict in ("not run", "cannot_run") else "judged"


def figure(chart: Chart, name: str, source: str) -> str:
    """A chart with its title, what it shows, and its numbers in a table that opens on demand."""
    caption = tag("figcaption", tag("h2", text(chart.title)) + tag("p", text(chart.note)))
    total = sum(len(series.points) for series in chart.series)
    head = f"{_many(len(chart.series), 'series', 'series')}, {_many(total, 'point', 'points')}, from "
    data = tag("div", "".join(_table(chart, series) for series in chart.series), class_="data")
    details = tag("details", tag("summary", text(head) + tag("code", text(source))) + data)
    return tag("figure", "\n".join([caption, tag("div", drawn(chart, name), class_="wide"), details]))


def _table(chart: Chart, series: Series) -> str:
    """The points of a series; of steps those that change something, and never more than ROWS."""
    points = list(changes(series.points)) if chart.shape == "steps" else series.points
    shown = some(points, ROWS)
    less = f" ({len(shown):,} of {len(series.points):,} points)" if len(shown) < len(series.points) else ""
    head = tag("tr", "".join(tag("th", text(words), scope="col") for words in (chart.x, chart.y)))
    body = "\n".join(tag("tr", "".join(tag("td", f"{value:,.10g}") for value in point)) for point in shown)
    return tag(
        "table", f"{tag('caption', text(series.name + less))}<thead>{head}</thead>\n<tbody>{body}</tbody>"
    )


def _many(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"
