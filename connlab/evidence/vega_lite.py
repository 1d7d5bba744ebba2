"""A Vega-Lite specification in the evidence: whether a report can draw it, and what it holds (docs/report.md)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
VIEWS = {"mark", "layer", "facet", "concat", "hconcat", "vconcat", "repeat"}  # one of them makes a chart

Spec = dict[str, Any]


def check(spec: Any) -> Spec:
    """Return the specification if a report can draw it. Raises ValueError that says what is wrong, and what to do."""
    if not isinstance(spec, dict):
        raise ValueError(f"expected a Vega-Lite specification, got {spec!r:.60}")
    if "schema" in spec and "$schema" not in spec:
        raise ValueError(
            "a chart of an older version of connlab, not a Vega-Lite specification\n"
            "  next: run its test again, or draw it with the version that left it"
        )
    if spec.get("$schema") != SCHEMA:
        raise ValueError(f"$schema: expected {SCHEMA}, got {spec.get('$schema')!r:.80}")
    for name in ("title", "description"):
        if not isinstance(spec.get(name), str) or not spec[name].strip():
            raise ValueError(f"{name}: expected words, got {spec.get(name)!r:.60}")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", family(spec)):
        raise ValueError(f"usermeta: family {family(spec)!r} is no name for a page: a-z, 0-9 and - within")
    if not VIEWS & spec.keys():
        raise ValueError(f"no mark, and no views: one of {', '.join(sorted(VIEWS))}")
    if not list(filter(None, (rows for _, rows in tables(spec)))):  # each is looked at
        raise ValueError("no data")
    json.dumps(spec, allow_nan=False)
    return spec


def family(spec: Spec) -> str:
    """Return the family of experiments that the chart belongs to, which names its page; empty if it says none."""
    try:
        return str(spec["usermeta"]["connlab"]["family"])
    except (TypeError, KeyError):
        return ""


def tables(spec: Any, title: str = "") -> Iterator[tuple[str, list[Spec]]]:
    """Yield the data of each view with its title. Raises ValueError if some are not inline, or are no rows."""
    if isinstance(spec, dict):
        if isinstance(words := spec.get("title"), dict):
            words = words.get("text")
        title = words if isinstance(words, str) else title
        if "data" in spec:
            yield title, _rows(spec["data"])
        for name, value in spec.items():
            if name in ("url", "href"):
                raise ValueError(f"{name}: a chart has everything in itself")
            if name != "data":
                yield from tables(value, title)
    elif isinstance(spec, list):
        for value in spec:
            yield from tables(value, title)


def _rows(data: Any) -> list[Spec]:
    rows = data.get("values") if isinstance(data, dict) and data.keys() == {"values"} else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"data: expected {{'values': [{{...}}, ...]}}, got {data!r:.60}")
    return [row for row in rows if row]
