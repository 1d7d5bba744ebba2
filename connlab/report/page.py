"""A family of experiments as one page: what run, what was claimed, and its charts. Pure: evidence in, HTML out.

The page needs nothing but itself: no script, no font, nothing from the network; its policy (CSP) forbids them
as well. The same evidence gives the same bytes.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jinja2
from markupsafe import Markup

from connlab.base.output import visible
from connlab.evidence import vega_lite
from connlab.evidence.vega_lite import Spec
from connlab.report.drawing import draw
from connlab.report.theme import COLOURS, FONT

Row = Mapping[str, str]  # setting, side (may lack), sentence, evidence, verdict
COLUMNS = {
    "setting": "setting", "side": "side", "sentence": "claim", "evidence": "measured", "verdict": "verdict",
}  # fmt: skip
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
ROWS = 300  # of a table below a chart: more is work for a program, and that reads the evidence
WIDTHS = {"wide": 700, "narrow": 360}  # of a plot in pixels; the window chooses


def page(
    family: str, charts: Mapping[str, Spec], rows: Iterable[Row], run: str, machine: Mapping[str, str]
) -> str:
    """Write the page of a family: its charts by the file that each was read from, its claims, and where it ran.

    Raises ValueError, with the file, if a chart cannot be drawn.
    """
    claims = list(rows)
    return template("page.html").render(
        family=family,
        run=run,
        machine=[f"{what} {machine[what]}" for what in ("kernel", "engine") if machine.get(what)],
        claims=claims,
        columns={name: head for name, head in COLUMNS.items() if any(row.get(name) for row in claims)},
        figures=[_figure(spec, f"c{at}", source) for at, (source, spec) in enumerate(charts.items())],
    )  # fmt: skip


@functools.cache
def template(name: str) -> jinja2.Template:
    """Return the text of a page, compiled once; each word that is put into it is printable and escaped."""
    words = jinja2.Environment(
        loader=jinja2.PackageLoader("connlab.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: value if isinstance(value, Markup) else visible(value),
    )
    words.globals.update(policy=POLICY, colours=COLOURS, font=Markup(FONT))
    return words.get_template(name)


def _figure(spec: Spec, name: str, source: str) -> dict[str, Any]:
    try:
        drawings = {kind: Markup(draw(spec, width, f"{name}-{kind}")) for kind, width in WIDTHS.items()}
    except ValueError as wrong:
        raise ValueError(f"{source}: {wrong}") from wrong
    return {
        "title": spec["title"], "note": spec["description"], "source": source, "drawings": drawings,
        "tables": [_table(title, rows, dict(_heads(spec))) for title, rows in vega_lite.tables(spec) if rows],
    }  # fmt: skip


def _table(title: str, rows: list[Spec], heads: Mapping[str, str]) -> dict[str, Any]:
    """Return the numbers of a view, or ROWS of them, evenly picked: the first and the last are among them."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    last = len(rows) - 1
    chosen_rows = rows if last < ROWS else [rows[round(at * last / (ROWS - 1))] for at in range(ROWS)]
    less = f" ({ROWS:,} of {len(rows):,} rows)" if len(rows) > ROWS else ""
    return {
        "title": title + less,
        "heads": [heads.get(name, name) for name in names],
        "rows": [[_cell(row.get(name, "")) for name in names] for row in chosen_rows],
    }


def _cell(value: Any) -> str:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return f"{value:,.10g}" if is_number else str(value)


def _heads(spec: Any) -> Iterator[tuple[str, str]]:
    """Yield what the axes and keys say of each field."""
    if isinstance(spec, dict):
        if isinstance(spec.get("field"), str) and isinstance(spec.get("title"), str):
            yield spec["field"], spec["title"]
        for name, value in spec.items():
            if name != "data":
                yield from _heads(value)
    elif isinstance(spec, list):
        for value in spec:
            yield from _heads(value)
