"""A chart as an experiment leaves it in the evidence of its run: docs/report.md is the contract.

Building one checks it, so a mistake is seen in the test that made it and not when somebody draws the run.
`connlab.evidence.recorder.RunFolder.keep` writes it (`keep("chart-drain", chart)`); `from_evidence` is the way back.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

SCHEMA = 1
SHAPES = ("steps", "lines", "points")  # a value holds until the next; is joined to it; stands alone
GREATEST = 1e30  # nothing that the lab counts or times comes near; sums of it are still finite

Point = tuple[float, float]


@dataclass(frozen=True)
class Mark:
    """A moment worth a vertical line: what a setting says should happen there, say."""

    x: float
    label: str

    def __post_init__(self) -> None:
        _number(self.x, "the x of a mark")
        _words(self.label, "the label of a mark")


@dataclass(frozen=True)
class Series:
    """One line of a chart: what was measured under one setting, in the order of x."""

    name: str
    points: tuple[Point, ...]

    def __post_init__(self) -> None:
        _words(self.name, "the name of a series")
        for point in self.points:
            if len(point) != 2:
                raise ValueError(f"{self.name}: expected a point [x, y], got {point!r}")
            for value in point:
                _number(value, f"{self.name}: a point")
        if not self.points:
            raise ValueError(f"{self.name}: no points")


@dataclass(frozen=True)
class Chart:
    """What one experiment saw, in a form that can be drawn. Raises ValueError if it makes no sense."""

    family: str
    title: str
    note: str
    shape: str
    x: str
    y: str
    series: tuple[Series, ...]
    marks: tuple[Mark, ...] = ()
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise ValueError(f"schema {self.schema!r}; this version knows {SCHEMA}")
        if self.shape not in SHAPES:
            raise ValueError(f"shape {self.shape!r}; there are: {', '.join(SHAPES)}")
        for name in ("family", "title", "note", "x", "y"):
            _words(getattr(self, name), name)
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.family):
            raise ValueError(f"family {self.family!r} is no name for a page: a-z, 0-9 and - within")
        if not self.series:
            raise ValueError("no series")
        if twice := [name for name, times in Counter(one.name for one in self.series).items() if times > 1]:
            raise ValueError(f"two series of one name: {', '.join(twice)}")
        for one in self.series if self.shape != "points" else ():
            if any(
                later < earlier for (earlier, _), (later, _) in zip(one.points, one.points[1:], strict=False)
            ):
                raise ValueError(f"{one.name}: x goes back, which a chart of {self.shape} cannot show")

    @classmethod
    def from_evidence(cls, data: Any) -> Chart:
        """From the JSON of a `chart-*.json`. What this version does not know in full is a ValueError."""
        if isinstance(data, Mapping) and data.get("schema", SCHEMA) != SCHEMA:
            raise ValueError(f"schema {data['schema']!r}; this version knows {SCHEMA}")
        fields = _exactly(cls, data, "a chart")
        return cls(**{
            **fields,
            "marks": tuple(Mark(**_exactly(Mark, mark, "a mark")) for mark in _list(data["marks"], "marks")),
            "series": tuple(_series(one) for one in _list(data["series"], "series")),
        })  # fmt: skip


def _series(data: Any) -> Series:
    fields = _exactly(Series, data, "a series")
    points = _list(fields["points"], "points")
    return Series(fields["name"], tuple(tuple(_list(point, "a point")) for point in points))


def _exactly(kind: type, data: Any, what: str) -> dict[str, Any]:
    """`data` if it is an object with the fields of this dataclass, no less and no more."""
    if not isinstance(data, Mapping):
        raise ValueError(f"expected {what}, got {data!r:.60}")
    wanted = {field.name for field in dataclasses.fields(kind)}
    for word, names in (("lacks", wanted - data.keys()), ("has an unknown", data.keys() - wanted)):
        if names:
            raise ValueError(f"{what} {word} {', '.join(sorted(names))}")
    return dict(data)


def _list(value: Any, what: str) -> Iterable[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{what}: expected a list, got {value!r:.60}")
    return value


def _words(value: Any, what: str) -> None:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{what}: expected words, got {value!r:.60}")


def _number(value: Any, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < GREATEST:
        raise ValueError(f"{what}: expected a number, got {value!r:.60}")
