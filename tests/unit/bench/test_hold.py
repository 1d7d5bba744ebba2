"""`make hold`: how many connections fit, and what stops a measurement."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bench import hold
from connlab.base import settings
from connlab.base.errors import LabError, NotFit
from connlab.base.model import Attempt
from connlab.cluster import engine_machine


@pytest.mark.parametrize(
    ("memory", "tracked", "fits"),
    [
        (None, None, [10_000, 50_000, 100_000, 250_000]),  # an engine elsewhere is not known
        (64 << 30, 262_144, [10_000, 50_000, 100_000, 250_000]),
        (64 << 30, 65_536, [10_000, 50_000]),
        (1 << 30, 262_144, [10_000, 50_000]),
    ],
)
def test_what_does_not_fit_is_left_out(monkeypatch, memory, tracked, fits):
    """By the memory of both ends, 16 KiB, and by what a network namespace may track."""
    monkeypatch.setattr(engine_machine, "available_bytes", lambda _: memory)
    monkeypatch.setattr(engine_machine, "conntrack_entries", lambda _: tracked)
    assert hold.fitting(settings.read({}), hold.HELD) == fits


def test_a_machine_without_room_is_not_fit(monkeypatch):
    """Said with the number that there is room for."""
    monkeypatch.setattr(engine_machine, "available_bytes", lambda _: 1 << 30)
    monkeypatch.setattr(engine_machine, "conntrack_entries", lambda _: 8_192)
    with pytest.raises(NotFit, match="8,176 connections"):
        hold.fitting(settings.read({}), hold.HELD)


class Dialler:
    """An agent whose dials take a millisecond each, one after another; the last one may be refused."""

    def __init__(self, last: str = "established", late: int = 0) -> None:
        self.last, self.late, self.count = last, late, 0

    def facts(self):
        return SimpleNamespace(monotonic_ns=0)

    def start_open(self, count, **_options):
        self.count = count
        outcomes = ["established"] * (count - 1) + [self.last]
        return lambda: [
            Attempt.from_agent({
                "number": number, "conn": None, "outcome": outcome, "errno": None, "source": "198.18.4.1",
                "source_port": 1, "target": "198.18.0.2", "target_port": 12345,
                "start_ns": (self.late + number) * 1_000_000, "us": 1000, "closed_ns": None,
            })
            for number, outcome in enumerate(outcomes)
        ]  # fmt: skip

    def end(self):
        pass


def test_the_time_is_from_the_first_syn_to_the_last_handshake():
    """Of all agents together; what does not divide by them is dialled too."""
    agents = [Dialler(), Dialler(late=5)]
    assert hold._dial(agents, ["a", "b"], 5, 12345) == pytest.approx(0.007)
    assert [agent.count for agent in agents] == [3, 2]


def test_a_dial_that_is_not_established_is_no_measurement():
    """Said with the outcomes."""
    with pytest.raises(LabError, match=r"of 2 dials of a client: .*refused"):
        hold._dial([Dialler(), Dialler(last="refused")], ["a", "b"], 4, 12345)


def test_the_curve_has_a_point_for_each_number():
    """What a connection costs, over how many are held."""
    rows = [
        hold.Held(10_000, 10_000, 1.0, 10_000, 100.0, 2_000),
        hold.Held(50_000, 40_000, 4.4, 9_091, 110.0, 2_000),
    ]
    values = hold.curve(rows)["vconcat"][0]["data"]["values"]
    assert [(row["x"], row["number"]) for row in values] == [(10_000, 100.0), (50_000, 110.0)]
