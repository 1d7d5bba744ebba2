"""What a chart in the evidence may be, how one is built, and that it comes back as it was kept."""

from __future__ import annotations

import json

import pytest

from connlab.base.errors import Unreadable
from connlab.evidence import runs
from connlab.evidence.charts import slope, steps
from connlab.evidence.recorder import RunFolder
from connlab.evidence.vega_lite import SCHEMA, check, family, tables
from tests.support.charts import drain_chart, panel_chart, write_evidence


def changed(**changes: object) -> dict:
    """Return a chart as JSON; a field that is ... is left out."""
    return {name: value for name, value in {**drain_chart(), **changes}.items() if value is not ...}


def test_a_chart_comes_back_as_it_was_kept(tmp_path):
    """Kept by connlab.evidence.recorder, read from the run's folder: the same chart."""
    run = RunFolder("then", tmp_path)
    run.keep("test_drain[stock]", "chart-drain", drain_chart())
    assert runs.charts(run.folder) == {"test_drain[stock]/chart-drain.json": drain_chart()}


DATA = {"values": [{"a": 1}]}


@pytest.mark.parametrize(
    ("chart_data", "words"),
    [
        ([], r"expected a Vega-Lite specification, got \[\]"),
        ({"schema": 1, "family": "time-wait"}, "a chart of an older version of .*\n  next: run its test"),
        ({}, rf"\$schema: expected {SCHEMA}, got None"),
        (changed(**{"$schema": SCHEMA.replace("v6", "v2")}), r"\$schema: expected .*, got '.*v2.json'"),
        (changed(title=""), "title: expected words, got ''"),
        (changed(title={"text": "t"}), "title: expected words, got {'text'"),
        (changed(description=...), "description: expected words, got None"),
        (changed(usermeta=...), "usermeta: family '' is no name for a page"),
        (changed(usermeta=[7]), "usermeta: family '' is no name for a page"),
        (changed(usermeta={"connlab": {"family": "../../etc/x"}}), "usermeta: family '../../etc/x' is no name"),
        (changed(vconcat=...), "no mark, and no views: one of concat, facet"),
        (changed(vconcat=[]), "no data"),
        (changed(vconcat=[{"mark": "bar", "data": {"values": [{}]}}]), "no data"),
        (changed(data={"url": "https://example.org/x.csv"}), "data: expected {'values': .*, got {'url'"),
        (changed(data={"values": "a,b"}), "data: expected {'values'"),
        (changed(data={"values": [1, 2]}), "data: expected {'values'"),
        (changed(data=DATA, vconcat=..., mark="image", encoding={"url": {"field": "a"}}), "url: a chart has every"),
        (changed(data=DATA, vconcat=..., mark="bar", encoding={"href": {"field": "a"}}), "href: a chart has every"),
        (changed(data={"values": [{"a": float("nan")}]}), "Out of range float values"),
    ],
)  # fmt: skip
def test_what_is_no_chart_is_loud(tmp_path, chart_data, words):
    """Unreadable says what is wrong, and in which file."""
    write_evidence(tmp_path, "test_a", "chart-a", chart_data)
    with pytest.raises(Unreadable, match=rf"test_a/chart-a\.json: {words}"):
        runs.charts(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"null", b'"\xed\xb2\x80"', b"[" * 100_000])
def test_what_is_no_json_is_loud(tmp_path, content):
    """Half a file, or another thing: it is not passed over."""
    write_evidence(tmp_path, "test_a", "chart-a", {})
    (tmp_path / "test_a/chart-a.json").write_bytes(content)
    with pytest.raises(Unreadable, match=r"test_a/chart-a\.json: "):
        runs.charts(tmp_path)


def test_a_mistake_is_seen_where_the_chart_is_made():
    """The test that builds it fails, not the one who draws the run."""
    with pytest.raises(ValueError, match="family 'Time Wait' is no name"):
        drain_chart(family="Time Wait")


def test_a_chart_needs_nothing_of_ours():
    """Plain JSON with its words and its data; what is of connlab alone is where Vega-Lite leaves room for it."""
    built = json.loads(json.dumps(drain_chart()))
    assert (check(built)["title"], family(built)) == ("TIME_WAIT drains after 60 s", "time-wait")
    rows = [(title, rows) for title, rows in tables(built) if rows]
    assert rows[0] == ("sockets in TIME_WAIT", [{"x": 0.0, "number": 40}, {"x": 60.4, "number": 0}])
    assert rows[1][0] == "short"


def test_panels_share_an_axis():
    """Its numbers and its words are below the last one; a moment is a line in each, and has its label once."""
    panels = panel_chart(steps("a", [(0, 1)]), slope("b", [(0, 1), (9, 3)]), now=5.0, later=8.0)["vconcat"]
    axes = [panel["layer"][0]["encoding"]["x"]["axis"] for panel in panels]
    assert [axis.get("labels", True) for axis in axes] == [False, True]
    marks = [[layer["mark"]["type"] for layer in panel["layer"]] for panel in panels]
    assert marks == [["area", "rule", "rule", "text", "text"], ["area", "rule", "rule"]]
    assert [layer["mark"].get("dy") for layer in panels[0]["layer"][3:]] == [-4, -19]


def test_lines_of_a_panel_have_their_names_at_their_ends():
    """One that would cover another is moved up by a line of words."""
    lines = {"high": [(0, 0), (9, 100)], "same": [(0, 0), (9, 10)], "low": [(0, 0), (9, 10)]}
    (panel,) = panel_chart(steps("made", lines))["vconcat"]
    names = {layer["mark"]["text"]: layer for layer in panel["layer"][1:]}
    places = {name: (layer["encoding"]["y"]["datum"], layer["mark"]["dy"]) for name, layer in names.items()}
    assert places == {"same": (10, 0.0), "low": (10, -15.0), "high": (100, 0.0)}
    assert {layer["encoding"]["color"]["datum"] for layer in names.values()} == set(lines)


@pytest.mark.parametrize(("count", "dots"), [(100, True), (101, False)])
def test_many_points_have_no_dots(count, dots):
    """A circle each would make the page huge, and nobody could tell them apart."""
    assert slope("a", [(x, 1) for x in range(count)])["layer"][0]["mark"]["point"] is dots
