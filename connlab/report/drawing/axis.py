"""From data to places on a page: round ticks, the words for them, and how many points a page needs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from connlab.evidence.chart import Point

ROUND = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Axis:
    """Values from `low` to `high` laid on places from `start` to `end` (upside down if end is less)."""

    low: float
    high: float
    step: float
    start: float
    end: float

    def place(self, value: float) -> float:
        """Where a value is drawn."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """The multiples of `step` from low to high."""
        first = math.ceil(self.low / self.step - 1e-9)
        last = math.floor(self.high / self.step + 1e-9)
        return [number * self.step for number in range(first, last + 1)]

    def label(self, value: float) -> str:
        """A tick in words: no more decimals than the step has, thousands by commas."""
        decimals = max(0, 1 - math.floor(math.log10(self.step))) if self.step < 10 else 0
        return f"{round(value, decimals) + 0.0:,.10g}"


def axis(values: Sequence[float], places: tuple[float, float], ticks: int, zero: float, whole: bool) -> Axis:
    """An axis for these values between two places, with about so many ticks.

    It starts at 0 if the least value is positive and no more than the part `zero` of the greatest, and ends at
    a tick if one is near. A `whole` axis reaches out to its first and last tick, and has no ticks between
    whole numbers if no value is there.
    """
    low, high = min(values), max(values)
    if 0 < low <= zero * high:
        low = 0
    if low == high:
        low, high = (min(0, low), max(0, low)) if low else (0, 1)
    step = _step((high - low) / ticks)
    if whole:
        if all(float(value).is_integer() for value in values):
            step = max(1, math.ceil(step))
        low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    elif (near := math.ceil(high / step) * step) - high < (high - low) / 25:
        high = near
    return Axis(low, high, step, *places)


def _step(least: float) -> float:
    """The least round number (1, 2, 2.5, 5 and their tens) that is not below `least`."""
    ten: float = 10.0 ** math.floor(math.log10(least))
    return next(factor * ten for factor in ROUND if factor * ten >= least * (1 - 1e-9))


def thinned(points: Sequence[Point], shape: str, across: Axis, up: Axis) -> list[Point]:
    """No more points than the eye can tell apart, so that 20,000 do not make a huge page.

    Steps: a point that does not change y is dropped, for the step is drawn through it; the last one stays.
    Then, if there still are more than four for each unit across, of each unit the first, the least, the
    greatest and the last remain, as in lines: the ink within that unit is the same.
    Points: one of each square of 4 units, which is less than the size of a dot; the first of them.
    """
    if shape == "points":
        found: dict[tuple[int, int], Point] = {}
        for x, y in points:
            found.setdefault((int(across.place(x) // 4), int(up.place(y) // 4)), (x, y))
        return list(found.values())
    kept = list(changes(points)) if shape == "steps" else list(points)
    if len(kept) <= 4 * abs(across.end - across.start):
        return kept
    columns = groupby(kept, key=lambda point: int(across.place(point[0])))
    return [point for _, column in columns for point in _outline(list(column))]


def changes(points: Sequence[Point]) -> Iterator[Point]:
    """The points of steps without those that do not change y; the first and the last stay."""
    last = len(points) - 1
    for index, (x, y) in enumerate(points):
        if index in (0, last) or y != points[index - 1][1]:
            yield x, y


def _outline(column: Sequence[Point]) -> Iterable[Point]:
    """First, least, greatest and last of a column, in their order."""
    numbers = range(len(column))
    least, greatest = (pick(numbers, key=lambda at: column[at][1]) for pick in (min, max))
    return [column[at] for at in sorted({0, least, greatest, numbers[-1]})]


def some(points: Sequence[Point], most: int) -> list[Point]:
    """All of the points, or `most` of them, evenly picked: the first and the last are among them."""
    if len(points) <= most:
        return list(points)
    return [points[round(at * (len(points) - 1) / (most - 1))] for at in range(most)]
