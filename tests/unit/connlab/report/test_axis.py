"""Where data is put: round ticks, and no more points than a page needs."""

from __future__ import annotations

import pytest

from connlab.report.drawing.axis import Axis, axis, some, thinned


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0, 40], ["0", "10", "20", "30", "40"]),
        ([0, 3], ["0", "1", "2", "3"]),
        ([0, 1], ["0", "1"]),
        ([0, 0], ["0", "1"]),
        ([7, 7], ["0", "2", "4", "6", "8"]),
        ([0.11, 0.42], ["0", "0.1", "0.2", "0.3", "0.4", "0.5"]),
        ([32768, 60999], ["0", "20,000", "40,000", "60,000", "80,000"]),
        ([990, 1000], ["990", "992", "994", "996", "998", "1,000"]),
        ([-5, 5], ["-6", "-4", "-2", "0", "2", "4", "6"]),
        ([0.5, 11.7], ["0", "2.5", "5", "7.5", "10", "12.5"]),
    ],
)  # fmt: skip
def test_ticks_are_round(values, labels):
    """From 0 if that is near; no half sockets; the ends of the axis are ticks."""
    up = axis(values, (100, 0), ticks=5, zero=0.75, whole=True)
    assert [up.label(tick) for tick in up.ticks()] == labels
    assert up.low <= min(values) <= max(values) <= up.high
    assert (up.place(up.ticks()[0]), up.place(up.ticks()[-1])) == (100, 0)


def test_an_axis_that_is_not_whole_ends_with_its_data():
    """Or at the next tick, if that is near: an empty quarter says nothing."""
    ends = [axis([0, high], (0, 1), ticks=8, zero=0.25, whole=False).high for high in (60.4, 79.8)]
    assert ends == [60.4, 80]


def plane(width: float = 500) -> tuple[Axis, Axis]:
    return Axis(0, 20000, 5000, 0, width), Axis(0, 100, 20, 260, 0)


def test_steps_keep_what_changes():
    """20,000 samples of a value that changed twice are three corners and an end."""
    points = [(float(x), 40 if x < 9000 else 20 if x < 9001 else 0) for x in range(20000)]
    assert thinned(points, "steps", *plane()) == [(0, 40), (9000, 20), (9001, 0), (19999, 0)]


@pytest.mark.parametrize("shape", ["lines", "steps"])
def test_a_thinned_line_looks_the_same(shape):
    """In each unit across, the first, the least, the greatest and the last value are what they were."""
    points = [(float(x), (x * 7919) % 101) for x in range(20000)]
    points[12345] = (12345.0, 100.5)
    few = thinned(points, shape, *plane())
    assert len(few) <= 4 * 500

    def outline(of):
        columns: dict[int, list[float]] = {}
        for x, y in of:
            columns.setdefault(int(x / 40), []).append(y)
        return {at: (ys[0], min(ys), max(ys), ys[-1]) for at, ys in columns.items()}

    assert outline(few) == outline(points)
    assert few == sorted(few)


def test_thinned_dots_cover_the_same_ground():
    """A dot that is left out has another within its own size."""
    points = [(float(x), (x * 7919) % 101) for x in range(20000)]
    across, up = plane()
    few = thinned(points, "points", across, up)
    assert len(few) < 126 * 66
    squares = [{(across.place(x) // 4, up.place(y) // 4) for x, y in of} for of in (few, points)]
    assert squares[0] == squares[1]


@pytest.mark.parametrize("shape", ["steps", "lines", "points"])
def test_few_points_are_all_drawn(shape):
    """What can be seen one by one is left as it is."""
    points = [(200.0 * x, float(x % 7)) for x in range(100)]
    assert thinned(points, shape, *plane()) == points


def test_some_keep_both_ends():
    """Evenly picked, first and last among them; no more than there are."""
    assert some([(x, 0) for x in range(101)], 3) == [(0, 0), (50, 0), (100, 0)]
    assert some([(1, 0), (2, 0)], 3) == [(1, 0), (2, 0)]
