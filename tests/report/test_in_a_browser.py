"""The page as a browser lays it out: the data are where the axes say, and no words cover others.

What the page says of itself (tests/report/browser.py) is mapped back to data by the ticks, as a reader does it.
"""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from dataclasses import asdict
from itertools import combinations
from pathlib import Path

import pytest

from connlab.base.settings import HOME
from connlab.evidence.chart import Chart, Mark, Series
from tests.report.browser import chromium, dumped, seen_by

pytestmark = pytest.mark.xdist_group("browser")  # one Chromium at a time

HOSTILE = "<script>pwned=1</script><img src=x onerror=pwned=1>\"'"
LONG = "tcp_fin_timeout=5 and tcp_max_tw_buckets=20 and whatever else somebody may have set"


def drain(at: float, count: int) -> tuple[tuple[float, float], ...]:
    """`count` sockets that leave at once, looked at each half second; one look comes at the moment itself."""
    times = sorted({*(half / 2 for half in range(161)), at})
    return tuple((time, count if time < at else 0) for time in times)


CHARTS = (
    Chart("time-wait", "steps", "n", "steps", "seconds after the close", "sockets in TIME_WAIT",
          (Series("stock", drain(60.2, 40)), Series("again", drain(60.2, 40)), Series("early", drain(15.1, 25))),
          (Mark(15.0, "tcp_fin_timeout=15"), Mark(60.0, "60 s, compiled in"))),
    Chart("time-wait", "lines", "n", "lines", "dial", "µs",
          (Series("20,000 dials", tuple((float(x), 900.0 if x == 12345 else 100 + x % 7) for x in range(20000))),)),
    Chart("time-wait", "points", "n", "points", "s", "ms",
          (Series("a", ((3.0, 0.25), (1.0, 0.125), (2.0, 0.75))), Series("b", ((2.5, 0.5),)))),
    Chart("time-wait", "crowded", "n", "steps", LONG * 3, LONG * 3,
          tuple(Series(f"{at} {LONG}"[: 20 + 7 * at], ((0.0, 1e6), (50.0 + 5 * at, 0))) for at in range(20)),
          tuple(Mark(at * at, f"{at} tcp_tw_something={LONG[: 4 * at]}") for at in range(11))),
    Chart("time-wait", "high", "n", "lines", "s", "n",
          tuple(Series(f"ends at {98 + at / 6:.3}", ((0.0, 0), (9.0, 98 + at / 6))) for at in range(12))),
    Chart("time-wait", "flat", "n", "lines", "s", "n", (Series("無" * 40, ((5.0, 0),)), Series("W" * 90, ((5.0, 0),)))),
    Chart("time-wait", HOSTILE, HOSTILE, "steps", HOSTILE, HOSTILE,
          (Series(HOSTILE, ((0.0, -3), (7.5, 4))),), (Mark(1, HOSTILE),)),
)  # fmt: skip


def test_without_a_browser(monkeypatch):
    """Skipped with the reason, but a failure where one was promised."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.delenv("CONNLAB_REQUIRE_CHROMIUM", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no browser: none of chromium, "):
        chromium()
    monkeypatch.setenv("CONNLAB_REQUIRE_CHROMIUM", "1")
    with pytest.raises((pytest.fail.Exception, pytest.skip.Exception), match="no browser") as ended:
        chromium()
    assert ended.type is pytest.fail.Exception, "a promised browser was skipped"


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    """A run with charts and a verdict, drawn by the command."""
    run = tmp_path_factory.mktemp("runs") / "2026-11-25T16-11-00.156118Z"
    for at, chart in enumerate(CHARTS):
        (run / f"test_{at}").mkdir(parents=True)
        (run / f"test_{at}/chart-c.json").write_text(json.dumps(asdict(chart)))
    judged = {
        "claim": "reuse-server",
        "verdict": "refuted",
        "evidence": HOSTILE,
        "test": "tests/x.py::test_five",
    }
    (run / "test_0/verdict.json").write_text(json.dumps(judged))
    argv = [sys.executable, "-m", "connlab", "report", str(run)]
    done = subprocess.run(argv, cwd=HOME, capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


@pytest.fixture(scope="module", params=[500, 1100])
def seen(page, request) -> dict:
    """The page in a window that is too narrow for a chart, in a narrow one and in a wide one."""
    return {"width": request.param, **seen_by(chromium(), page, request.param)}


def scale(places: list[float], words: list[str]):
    """The reader's ruler: from a place to a value, by the first and the last tick."""
    values = [float(word.replace(",", "")) for word in words]
    assert len(values) == len(places) >= 2
    slope = (values[-1] - values[0]) / (places[-1] - places[0])
    for place, value in zip(places, values, strict=True):
        assert values[0] + (place - places[0]) * slope == pytest.approx(value, abs=abs(slope) * 0.2)
    return (lambda place: values[0] + (place - places[0]) * slope), abs(slope)


def rulers(chart: dict):
    return scale(chart["x"], chart["xs"]), scale(chart["y"], chart["ys"])


def test_every_chart_is_there(seen):
    """In the order of their files, each with its label, its lines and its tooltips."""
    assert [chart["label"] for chart in seen["charts"]] == [
        f"{chart.title}. {chart.note}" for chart in CHARTS
    ]
    for shown, chart in zip(seen["charts"], CHARTS, strict=True):
        assert len(shown["lines"]) == (0 if chart.shape == "points" else len(chart.series)), chart.title
        assert len(shown["dots"]) == len(chart.series)
        assert len(shown["tips"]) >= len(chart.series)


def test_steps_fall_when_they_fell(seen):
    """Read off the ticks: the height before, the moment of the fall, the end."""
    shown, chart = seen["charts"][0], CHARTS[0]
    (to_x, x_unit), (to_y, y_unit) = rulers(shown)
    for line, (fall, count) in zip(shown["lines"], [(60.2, 40), (60.2, 40), (15.1, 25)], strict=True):
        points = [(to_x(x), to_y(y)) for x, y in line["points"]]
        assert points[0] == pytest.approx((0, count), abs=x_unit)
        assert points[-1] == pytest.approx((80, 0), abs=x_unit)
        falling = [x for x, y in points if y_unit < y < count - y_unit]
        assert falling, "it never fell"
        assert (min(falling), max(falling)) == pytest.approx((fall, fall), abs=x_unit)
    assert [to_x(x) for x in shown["marks"]] == pytest.approx([mark.x for mark in chart.marks], abs=x_unit)


def test_a_line_of_twenty_thousand_has_its_peak(seen):
    """One dial in 20,000 was slow, and that is seen, where it was."""
    shown = seen["charts"][1]
    (to_x, x_unit), (to_y, y_unit) = rulers(shown)
    points = [(to_x(x), to_y(y)) for x, y in shown["lines"][0]["points"]]
    peak = max(points, key=lambda point: point[1])
    assert peak[0] == pytest.approx(12345, abs=1.5 * x_unit)
    assert peak[1] == pytest.approx(900, rel=0.03)
    assert (points[0][0], points[-1][0]) == pytest.approx((0, 19999), abs=x_unit)
    assert min(y for _, y in points) == pytest.approx(100, abs=y_unit)


def test_dots_are_where_the_data_are(seen):
    """The box round the dots of a series, in data."""
    shown = seen["charts"][2]
    (to_x, x_unit), (to_y, y_unit) = rulers(shown)
    for box, wanted in zip(shown["dots"], [(1, 0.125, 3, 0.75), (2.5, 0.5, 2.5, 0.5)], strict=True):
        found = (to_x(box[0]), to_y(box[1]), to_x(box[2]), to_y(box[3]))
        assert found == pytest.approx(wanted, abs=max(x_unit, y_unit))


def test_lines_on_one_another_are_different_to_the_eye(seen):
    """Same place, another computed colour and another computed dash; both are drawn."""
    first, second, _ = seen["charts"][0]["lines"]
    assert [math.dist(a, b) < 0.2 for a, b in zip(first["points"], second["points"], strict=True)].count(
        False
    ) == 0
    assert first["seen"] and second["seen"]
    assert first["stroke"] != second["stroke"]
    assert first["dash"] != second["dash"]
    for chart in seen["charts"]:
        looks = [(line["stroke"], line["dash"]) for line in chart["lines"]]
        assert len(set(looks)) == len(looks), chart["label"]
        assert not any(stroke in ("none", "rgb(0, 0, 0)") for stroke, _ in looks), (
            "the style sheet is not read"
        )


@pytest.mark.parametrize("at", range(len(CHARTS)))
def test_words_stay_inside_and_apart(seen, at):
    """No text leaves the drawing, and none covers another, however long and however many."""
    chart = seen["charts"][at]
    left, top, right, bottom = chart["box"]
    unit = (right - left) / 700
    texts = chart["texts"]
    assert len(texts) >= 6
    outside = [
        words
        for words, box in texts
        if box[0] < left - 1 or box[1] < top - 1 or box[2] > right + 1 or box[3] > bottom + 1
    ]
    assert outside == []
    covering = [
        (one, other)
        for (one, a), (other, b) in combinations(texts, 2)
        if min(a[2], b[2]) - max(a[0], b[0]) > unit and min(a[3], b[3]) - max(a[1], b[1]) > 2.5 * unit
    ]
    assert covering == []


def test_the_page_fetches_and_runs_nothing(seen):
    """Words of a host stay words, even with the page's own policy taken away; the one script measures."""
    assert (seen["pwned"], seen["scripts"], seen["images"], seen["fetched"]) == ("undefined", 1, 0, 0)
    assert HOSTILE in "".join(seen["claims"])
    assert any(HOSTILE in tip for chart in seen["charts"] for tip in chart["tips"])


def test_the_policy_of_a_page_stops_scripts(page):
    """The second lock: a script in the page as it is would not run."""
    copy = page.with_suffix(".policy.html")
    source = page.read_text(encoding="utf-8")
    copy.write_text(
        source.replace("</body>", "<script>document.title = 'it ran'</script></body>"), encoding="utf-8"
    )
    assert "<title>time-wait: connlab" in dumped(chromium(), copy)


def test_it_fits_its_window(seen):
    """No page to scroll sideways, and no chart from 600 pixels on; tables are closed, and have the numbers."""
    assert seen["wide"] <= 0
    assert {drawing > 0 for drawing in seen["scrolled"]} == {seen["width"] < 600}
    assert seen["open"] == [False] * len(CHARTS)
    assert {"60.2", "15.1", "0.125"} <= set(seen["cells"])
