"""The evidence of a big run: its folder, and charts that a report draws."""

from __future__ import annotations

import json

from connlab.evidence import big_runs, runs

ANSWER = {
    "machine": {"kernel": "6.18.44", "engine": {"Version": "20.10.24"}},
    "plan": {"sources": 6, "clients": 1, "dials": 20, "limit": 15, "mode": "selectors"},
    "client": {"dials": 120, "seconds": 0.2},
    "over_time": [
        {"seconds": 0.0, "dials": 70, "established": 60, "refused": 10},
        {"seconds": 0.1, "dials": 50, "established": 30, "refused": 20},
    ],
    "admitted": [15, 15, 14, 15, 15, 15],
}


def test_the_newest_is_found_by_its_name(tmp_path):
    """Each run has a folder of its own, private; a report finds its charts and its machine."""
    first, second = (big_runs.keep(ANSWER, tmp_path) for _ in range(2))
    assert (tmp_path / "runs" / "latest-scale").resolve() == second != first
    assert (
        json.loads((second / "truth-at-scale" / "answer.json").read_text())["admitted"] == ANSWER["admitted"]
    )
    assert sorted(runs.charts(second)) == [
        f"truth-at-scale/chart-{name}.json" for name in ("dials", "sources")
    ]
    assert runs.machine(second)["engine"] == "Docker 20.10.24"
    assert second.stat().st_mode & 0o077 == 0


def points(spec):
    return [[(row["x"], row["number"]) for row in panel["data"]["values"]] for panel in spec["vconcat"]]


def test_dials_are_drawn_by_the_second_and_the_others_as_sums():
    assert points(big_runs.over_time(ANSWER)) == [
        [(0.0, 700.0), (0.1, 500.0)], [(0.0, 60), (0.1, 90)], [(0.0, 10), (0.1, 30)],
    ]  # fmt: skip


def test_sources_are_drawn_where_the_number_changes():
    """Of ten thousand that are alike, two points; one that differs is seen."""
    assert points(big_runs.by_source(ANSWER)) == [[(1, 15), (3, 14), (4, 15), (6, 15)]]
    assert points(big_runs.by_source({**ANSWER, "admitted": [15] * 16_384})) == [[(1, 15), (16_384, 15)]]
