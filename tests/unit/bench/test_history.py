"""The history of the bench: what it keeps, and when a ratio has fallen."""

from __future__ import annotations

import json
import stat

import pytest

from bench import history
from connlab.base.errors import LabError

HERE = {"cpus": 2, "memory_bytes": 24, "storage": "overlay2", "kernel": "6.18.44"}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "runs/bench-history.jsonl"


def keep(file, *ratios, better="less", machine=HERE, bench="bench"):
    """Keep a run for each ratio of `down`; what fell in the last one."""
    return [history.keep(bench, {"down": ratio}, better, machine, file) for ratio in ratios][-1]


@pytest.mark.parametrize(
    ("better", "before", "now", "fell"),
    [
        ("less", [1.0, 1.1, 1.2], 1.22, True),
        ("less", [1.0, 1.1, 1.2], 1.2, False),  # no worse than the worst
        ("less", [1.0, 1.0, 1.0], 1.09, False),  # worse than each, but by less than a tenth
        ("less", [1.0, 1.0, 1.0], 0.5, False),
        ("more", [1.0, 0.9, 0.8], 0.79, True),
        ("more", [1.0, 0.9, 0.8], 0.8, False),
        ("more", [1.0, 1.0, 1.0], 0.95, False),
        ("more", [1.0, 1.0, 1.0], 2.0, False),
        ("less", [1.0, 1.0], 9.0, False),  # two runs are no history
        ("less", [9.0, *[1.0] * 10], 1.5, True),  # the last ten count
        ("less", [9.0, *[1.0] * 9], 1.5, False),
    ],
)
def test_a_ratio_falls_below_all_earlier_ones_by_a_tenth_of_their_median(file, better, before, now, fell):
    """In whichever direction is better; with three earlier runs at least, ten at most."""
    keep(file, *before, better=better)
    assert bool(keep(file, now, better=better)) is fell


@pytest.mark.parametrize(
    "other", [{"machine": {**HERE, "cpus": 4}}, {"machine": {**HERE, "storage": "vfs"}}, {"bench": "speed"}]
)
def test_another_machine_and_another_bench_are_no_measure(file, other):
    """A new kernel on the same machine is one: it may be what the ratio fell by."""
    keep(file, 1.0, 1.0, 1.0, **other)
    assert keep(file, 2.0) == []
    keep(file, 1.0, 1.0, machine={**HERE, "kernel": "6.12.1"})
    assert [fall.key for fall in keep(file, 3.0)] == ["down"]


def test_a_fall_is_told_with_what_it_is_compared_with(file):
    """The numbers are those of the lines, which are the user's alone to read."""
    keep(file, 1.0, 1.1, 1.2)
    (fall,) = keep(file, 1.5)
    assert fall.text() == (
        "down: the ratio is 1.50; of 3 earlier runs of this machine the median is 1.10, the worst 1.20"
    )
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["ratios"]["down"] for line in lines] == [1.0, 1.1, 1.2, 1.5]
    assert {line["machine"]["kernel"] for line in lines} == {"6.18.44"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["torn", "{}", "[]", '"x"'])
def test_a_line_that_is_none_is_named(file, text):
    """And nothing is written behind it."""
    keep(file, 1.0)
    file.write_text(before := file.read_text() + text + "\n")
    with pytest.raises(LabError, match=r"jsonl:2 is no line of a history"):
        keep(file, 1.0)
    assert file.read_text() == before
