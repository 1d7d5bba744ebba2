"""A chart as SVG: its lines can be told apart, its words cover no others, its colours can be seen."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from connlab.evidence.chart import Mark, Series
from connlab.report.drawing import look
from connlab.report.drawing.axis import Axis
from connlab.report.drawing.labels import mark_rows
from connlab.report.drawing.svg import drawn
from tests.support.charts import DRAIN, page


def test_a_big_series_is_no_huge_page():
    """20,000 points of noise, in every shape, in less than 200 kB each."""
    points = tuple((float(x), (x * 7919) % 101) for x in range(20000))
    for shape in ("steps", "lines", "points"):
        assert len(page(replace(DRAIN, shape=shape, series=(Series("noise", points),)))) < 200_000, shape


def test_a_step_goes_across_and_then_down():
    """The old value holds until the new moment."""
    line = re.search(r'<path d="M([\d.]+) ([\d.]+)H([\d.]+)V([\d.]+)" class="line', drawn(DRAIN, "c"))
    left, top, right, bottom = map(float, line.groups())
    assert (left < right, top, bottom) == (True, 0, 260)


def test_lines_on_one_another_can_be_told_apart():
    """Same points: another colour and another dash, and markers at other places."""
    points = tuple((float(x), 40.0) for x in range(81))
    svg = drawn(replace(DRAIN, series=tuple(Series(name, points) for name in "abc")), "c")
    looks = re.findall(r'class="line (s\d) (d\d)"', svg)
    assert len(set(looks)) == len({s for s, _ in looks}) == len({d for _, d in looks}) == 3
    places = [re.findall(r"[\d.]+ 0", path) for path in re.findall(r'<path d="M([^"]*)" class="dots"', svg)]
    assert [len(each) for each in places] == [8, 8, 8]
    assert (
        not set(places[0]) & set(places[1])
        | set(places[0]) & set(places[2])
        | set(places[1]) & set(places[2])
    )


def test_thirty_series_look_different():
    """Colours and dashes repeat at different turns."""
    series = tuple(Series(f"series {at}", ((0.0, at), (1.0, at))) for at in range(30))
    looks = re.findall(r'class="line ([^"]*)"', drawn(replace(DRAIN, series=series), "c"))
    assert len(set(looks)) == 30


def test_a_mark_s_label_is_below_those_that_its_line_would_cut():
    """Labels beside one another share a row; one that would leave the page has a row of its own."""
    across = Axis(0, 100, 10, 0, 500)
    marks = [
        Mark(0, "first, and rather long"),
        Mark(5, "second"),
        Mark(60, "third"),
        Mark(99, "too long " * 6),
    ]
    assert [(mark.label[:5], row) for mark, _, row in mark_rows(marks, across)] == [
        ("first", 0), ("secon", 1), ("third", 0), ("too l", 2)
    ]  # fmt: skip


def contrast(one: str, other: str) -> float:
    """WCAG 2: how far apart in light two colours are, from 1 to 21."""

    def light(colour: str) -> float:
        parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [look.LIGHT, look.DARK], ids=["light", "dark"])
def test_every_colour_can_be_seen(colours):
    """Lines have a contrast of 3 to the page, words one of 4.5."""
    least = {name: 3.0 for name in colours if name[0] == "s" and name[1:].isdigit()} | {"mark": 3.0}
    least |= dict.fromkeys(("ink", "soft", "good", "bad", "fair"), 4.5)
    assert len(least) == 12
    assert {name: contrast(colours[name], colours["bg"]) for name in least} == {
        name: pytest.approx(max(floor, contrast(colours[name], colours["bg"])))
        for name, floor in least.items()
    }
