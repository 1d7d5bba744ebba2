"""The page as a browser lays it out: the data are where the axes say, no words cover others, dark is dark.

What the page says of itself (tests/report/browser.py) is mapped back to data by the ticks, as a reader does it.
"""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable
from itertools import combinations
from operator import itemgetter
from pathlib import Path

import pytest

from connlab.evidence.charts import chart, slope, steps
from connlab.evidence.vega_lite import Spec
from tests.report.browser import chromium, document, measure
from tests.support.processes import run_lab

pytestmark = pytest.mark.xdist_group("browser")  # one Chromium for all

HOSTILE = "<script>pwned=1</script><img src=x onerror=pwned=1>\"'"
DRAIN = [(0.0, 0), (5.0, 40), (60.0, 0), (80.0, 0)]


def drawing(title: str, *panels: Spec, x: str = "seconds after the close", **moments: float) -> Spec:
    return chart(family="time-wait", title=title, note="n", x=x, panels=panels, moments=moments)


CHARTS = (
    drawing("steps", steps("stock", DRAIN), steps("again", DRAIN), steps("early", [(0.0, 25), (15.0, 0), (80.0, 0)]),
            **{"tcp_fin_timeout=15": 15.0, "60 s, compiled in": 60.0}),
    drawing("lines", slope("20,000 dials", [(x, 900.0 if x == 12345 else 100 + x % 7) for x in range(20000)])),
    drawing("together", steps("connections made", {
        f"tcp_tw_reuse_delay={end}": [(0.0, 0), (3.0, end)] for end in (0, 1, 10, 30, 138, 300)})),
    drawing("flat", steps("n", [(0.0, 0), (5.0, 0)])),
    drawing(HOSTILE, steps(HOSTILE, {HOSTILE: [(0.0, 3), (7.5, 4)]}), steps("n", [(0, 1)]), x=HOSTILE,
            **{HOSTILE: 1.0}),
)  # fmt: skip


def test_without_a_browser(monkeypatch):
    """Skipped with the reason, but a failure where one was promised."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.delenv("CONNLAB_REQUIRE_CHROMIUM", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no browser: none of chromium, "):
        chromium()
    monkeypatch.setenv("CONNLAB_REQUIRE_CHROMIUM", "1")
    with pytest.raises((pytest.fail.Exception, pytest.skip.Exception), match="no browser") as outcome:
        chromium()
    assert outcome.type is pytest.fail.Exception, "a promised browser was skipped"


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory) -> Path:
    """Draw a run with charts and a verdict by the command, and return its page."""
    run = tmp_path_factory.mktemp("runs") / "2026-11-25T16-11-00.156118Z"
    for at, spec in enumerate(CHARTS):
        (run / f"test_{at}").mkdir(parents=True)
        (run / f"test_{at}/chart-c.json").write_text(json.dumps(spec))
    judged = {"claim": "reuse-server", "verdict": "refuted", "evidence": HOSTILE, "test": "tests/x.py::test"}
    (run / "test_0/verdict.json").write_text(json.dumps(judged))
    result = run_lab("report", str(run))
    assert result.returncode == 0, result.stderr
    return Path(result.stdout.strip())


@pytest.fixture(scope="module")
def look(browser, page) -> Callable[[int, str], dict]:
    """Look at the page in a window of a width, as a reader who likes it light or dark: once in each way."""
    return functools.cache(functools.partial(measure, browser, page))


@pytest.fixture(scope="module", params=[500, 1100])
def measured(look, request) -> dict:
    """Measure the page in a narrow window and in a wide one."""
    return look(request.param, "light")


def ruler(texts: list, words: tuple[str, str], side: int):
    """Return the reader's ruler: from a place to a value, by the middles of two ticks."""
    places = [next((box[side] + box[side + 2]) / 2 for text, box in texts if text == word) for word in words]
    low, high = (float(word.replace(",", "")) for word in words)
    return lambda place: low + (place - places[0]) * (high - low) / (places[1] - places[0])


def test_every_chart_is_there(measured):
    """Once, in the order of their files, each with its label."""
    assert [chart["label"] for chart in measured["charts"]] == [f"{spec['title']}. n" for spec in CHARTS]


def test_data_are_where_the_axes_say(measured):
    """Read off the ticks: the heights, the ends and the moments of one chart, the peak among 20,000 points."""
    chart = measured["charts"][0]
    to_x = ruler(chart["texts"], ("60", "80"), 0)
    assert [to_x(place) for place in chart["rules"]] == pytest.approx([15, 60] * 3, abs=0.5)
    assert [to_x(line["box"][2]) for line in chart["lines"]] == pytest.approx([80] * 3, abs=0.5)
    to_y = ruler(chart["texts"], ("0", "40"), 1)
    assert to_y(chart["lines"][0]["box"][1]) == pytest.approx(40, abs=1.5)
    chart = measured["charts"][1]
    to_y = ruler(chart["texts"], ("0", "800"), 1)
    assert [to_y(line["box"][1]) for line in chart["lines"]] == pytest.approx([900], abs=10)


def test_lines_of_a_panel_have_colours_of_their_own(measured):
    """And the name of each has the colour of its line."""
    chart = measured["charts"][2]
    colours = [line["colour"] for line in chart["lines"]]
    assert len(set(colours)) == len(colours) == 6
    texts = zip(chart["texts"], chart["colours"], strict=True)
    assert {colour for (words, _), colour in texts if "delay" in words} == set(colours)


@pytest.mark.parametrize("at", range(len(CHARTS)))
def test_words_stay_inside_and_apart(measured, at):
    """No text leaves the drawing, and none covers another; those of a usual length can be read."""
    chart = measured["charts"][at]
    left, top, right, bottom = chart["box"]
    texts = [(words, box) for words, box in chart["texts"] if words]
    assert len(texts) >= 5
    outside = [
        words
        for words, box in texts
        if box[0] < left - 1 or box[1] < top - 1 or box[2] > right + 1 or box[3] > bottom + 1
    ]
    assert outside == []
    covering = [
        (one, other)
        for (one, a), (other, b) in combinations(texts, 2)
        if min(a[2], b[2]) - max(a[0], b[0]) > 1 and min(a[3], b[3]) - max(a[1], b[1]) > 3
    ]
    assert covering == []
    assert chart["scale"] > 0.7 or HOSTILE in chart["label"]


def test_dark_is_dark(look):
    """Words and lines have the colours of a dark page, none of a light one."""
    light, dark = (look(1100, scheme) for scheme in ("light", "dark"))
    assert (light["paper"], dark["paper"]) == ("rgb(255, 255, 255)", "rgb(20, 23, 26)")
    for one, other in zip(light["charts"], dark["charts"], strict=True):
        assert not set(one["colours"]) & set(other["colours"])
        assert not {line["colour"] for line in one["lines"]} & {line["colour"] for line in other["lines"]}


def test_the_page_fetches_and_runs_nothing(measured):
    """Words of a host stay words, even with the page's own policy taken away; the one script measures."""
    assert itemgetter("pwned", "scripts", "images", "fetched")(measured) == ("undefined", 1, 0, 0)
    assert HOSTILE in [words for words, _ in measured["claims"]]
    assert HOSTILE in [words for words, _ in measured["charts"][-1]["texts"]]


def test_the_policy_of_a_page_stops_scripts(browser, page):
    """The second lock: a script in the page as it is would not run."""
    copy = page.with_suffix(".policy.html")
    script = "<script>document.title = 'it ran'</script>"
    copy.write_text(page.read_text().replace("</body>", f"{script}</body>"))
    assert "<title>time-wait: connlab" in document(browser, copy)


def test_it_fits_its_window(measured):
    """Neither the page nor its claims are to scroll sideways; tables are closed, and have the numbers."""
    assert measured["wide"] <= 0
    assert max(right for _, right in measured["claims"]) <= measured["window"]
    assert measured["open"] == [False] * len(CHARTS)
    assert {"80", "15", "138"} <= set(measured["cells"])
