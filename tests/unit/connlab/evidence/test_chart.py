"""What a chart may be, and that it comes back from a run's folder as it was kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connlab.base.errors import Unreadable
from connlab.evidence import runs
from connlab.evidence.recorder import RunFolder
from tests.support.charts import DRAIN, evidence, left


def test_a_chart_comes_back_as_it_was_kept(tmp_path):
    """Kept by connlab.evidence.recorder, read from the run's folder: the same chart."""
    run = RunFolder("then", tmp_path)
    run.keep("test_drain[stock]", "chart-drain", DRAIN)
    assert runs.charts(run.folder) == {"test_drain[stock]/chart-drain.json": DRAIN}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema": 2}, "schema 2; this version knows 1"),
        ({"schema": 2, "bars": []}, "schema 2; this version knows 1"),
        ({"schema": ...}, "a chart lacks schema"),
        ({"x": ..., "note": ...}, "a chart lacks note, x"),
        ({"colour": "red"}, "a chart has an unknown colour"),
        ({"shape": "pie"}, "shape 'pie'; there are: steps, lines, points"),
        ({"family": "../../etc/x"}, "family '../../etc/x' is no name for a page"),
        ({"family": "Time Wait"}, "family 'Time Wait' is no name for a page"),
        ({"title": ""}, "title: expected words, got ''"),
        ({"note": 7}, "note: expected words, got 7"),
        ({"series": []}, "no series"),
        ({"series": {}}, "series: expected a list, got {}"),
        ({"series": [{"name": "a", "points": []}]}, "a: no points"),
        ({"series": [{"name": "a"}]}, "a series lacks points"),
        ({"series": [{"name": "a", "points": [[1]]}]}, r"a: expected a point \[x, y\], got \(1,\)"),
        ({"series": [{"name": "a", "points": [7]}]}, "a point: expected a list, got 7"),
        ({"series": [{"name": "a", "points": [[0, "40"]]}]}, "a: a point: expected a number, got '40'"),
        ({"series": [{"name": "a", "points": [[0, True]]}]}, "a: a point: expected a number, got True"),
        ({"series": [{"name": "a", "points": [[0, float("nan")]]}]}, "a: a point: expected a number, got nan"),
        ({"series": [{"name": "a", "points": [[0, 1e300]]}]}, "a: a point: expected a number, got 1e"),
        ({"series": [{"name": "a", "points": [[1, 0], [0, 0]]}]}, "a: x goes back"),
        ({"series": [{"name": "a", "points": [[1, 0]]}] * 2}, "two series of one name: a"),
        ({"marks": [{"x": 1}]}, "a mark lacks label"),
        ({"marks": [{"x": None, "label": "m"}]}, "the x of a mark: expected a number, got None"),
    ],
)  # fmt: skip
def test_what_is_no_chart_is_loud(tmp_path, changes, words):
    """A ValueError that says what is wrong, and in which file."""
    left(tmp_path, "test_a", "chart-a", evidence(**changes))
    with pytest.raises(ValueError, match=rf"test_a/chart-a\.json: {words}"):
        runs.charts(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"\udc80"'.encode("utf-8", "surrogatepass")])
def test_what_is_no_json_is_loud(tmp_path, content):
    """Half a file, or another thing: it is not passed over."""
    left(tmp_path, "test_a", "chart-a", {})
    (tmp_path / "test_a/chart-a.json").write_bytes(
        content if isinstance(content, bytes) else content.encode()
    )
    with pytest.raises(Unreadable, match=r"test_a/chart-a\.json: "):
        runs.charts(tmp_path)


def test_a_mistake_is_seen_where_the_chart_is_made():
    """The test that builds it fails, not the one who draws the run."""
    with pytest.raises(ValueError, match="shape 'pie'"):
        replace(DRAIN, shape="pie")
    with pytest.raises(ValueError, match="schema 2; this version knows 1"):
        replace(DRAIN, schema=2)
