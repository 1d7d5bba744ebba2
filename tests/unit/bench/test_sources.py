"""The bench's hosts that are no containers: what is asked for, what is kept of it, and what becomes of a refusal."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bench import figures, sources
from bench.figures import FIGURES, dense_lab_name
from bench.peers import Peer
from bench.samples import LAB
from connlab.base.errors import NotFit
from connlab.base.settings import Settings, read

DENSE = ((4, 256), (16, 1_024))
STEPS = [(*lab, step) for lab in DENSE for step in ("up", "down")]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[Any, ...]]]:
    """Return a function that measures DENSE where ip(8) says this: notes, samples, steps, cleared labs."""

    def measure(status: int, words: str, refuses: str = "") -> tuple[Any, ...]:
        steps, cleared, samples = list[tuple[int, int, str]](), list[Settings](), dict[str, Any]()

        def step(what: str, target: Settings) -> None:
            steps.append((*(int(target.values[knob]) for knob in ("CLIENTS", "SOURCES_PER_CLIENT")), what))
            if what == refuses:
                raise NotFit("no addresses are left")

        up, down = (functools.partial(step, what) for what in ("up", "down"))
        peer = Peer("lab", up, lambda *_: pytest.fail("it is scaled"), down)
        monkeypatch.setattr(sources.one_off, "run_once", lambda *_, **__: (status, words))
        monkeypatch.setattr(sources.sandbox, "clear", cleared.extend)
        notes = sources.measure(peer, read({}), DENSE, samples)
        return notes, samples, steps, cleared

    yield measure


def test_each_lab_comes_up_and_goes_and_a_source_is_a_part_of_it(measured):
    """The time of one is that of all by their number, in ms; ip(8) has the clock of its container."""
    notes, samples, steps, cleared = measured(0, "100.5 102.25\n")
    assert (notes, cleared, steps) == ([], [], STEPS)
    assert samples[f"netns {sources.NETNS}"][LAB] == [1.75]
    for clients, number in DENSE:
        name = f"{clients * number} sources of {clients} clients"
        (whole,), (each,) = samples[f"{name}, up"][LAB], samples[f"{name}, each"][LAB]
        assert each == pytest.approx(whole / (clients * number) * 1000)
        assert len(samples[f"{name}, down"][LAB]) == 1


def test_what_is_measured_of_dense_labs_is_in_the_table():
    """Each of their figures has a row: one without would be measured and shown to nobody."""
    keys = {figure.key for figure in FIGURES}
    names = [dense_lab_name(*lab) for lab in figures.DENSE]
    assert {f"{name}, {what}" for name in names for what in ("up", "each", "down")} == {
        key for key in keys if "sources of" in key
    }


def test_what_cannot_be_measured_is_noted_and_the_rest_goes_on(measured):
    """A container that may not make namespaces, and a lab that does not come up, which is cleared away."""
    notes, samples, steps, cleared = measured(1, "mount --make-shared /run/netns failed\n", refuses="up")
    assert steps == [step for step in STEPS if step[2] == "up"]
    assert samples == {}
    assert len(cleared) == 3
    assert notes[0].startswith("100 hosts by ip netns: left out: the container says: mount --make-shared")
    names = ("1024 sources of 4 clients", "16384 sources of 16 clients")
    assert notes[1:] == [f"{name}: left out: no addresses are left" for name in names]
