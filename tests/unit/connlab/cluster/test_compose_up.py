"""Compose's `up` of a dense lab whose network another lab has, or had: tried again, as often as makes sense."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from connlab.base import settings
from connlab.base.errors import LabError
from connlab.cluster import compose_up
from connlab.cluster.blocks import Blocks

BLOCK = Blocks(IPv4Network("198.18.0.0/23"), 16)


class Engine:
    """An engine and a Compose that fails so often: which networks there are after each failure."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *failures: tuple[bool, bool]) -> None:
        self.failures, self.calls, self.now = list(failures), 0, (False, False)
        for module, name, stand_in in (
            (compose_up.compose, "run", self._run),
            (compose_up.dense, "network_for", lambda _: BLOCK),
            (compose_up.dense, "is_taken", lambda _: self.now[0]),
            (compose_up.hosts, "networks", lambda _: [{}] if self.now[1] else []),
            (compose_up.compose_failure, "explained", lambda error, _: error),
        ):
            monkeypatch.setattr(module, name, stand_in)

    def _run(self, *_: object, **__: object) -> None:
        self.calls += 1
        if self.failures:
            self.now = self.failures.pop(0)
            raise compose_up.compose.ComposeFailed("exit status 1")


def dense_up() -> None:
    compose_up.compose_up(settings.read().changed(SOURCES_PER_CLIENT=16), 1)


@pytest.mark.parametrize(
    ("taken", "words"),
    [(True, "was taken by another lab meanwhile"), (False, "is free, and yet there is no network")],
    ids=["taken", "gone again"],
)
def test_a_network_that_another_lab_has_or_had_is_tried_again(monkeypatch, capsys, taken, words) -> None:
    """Also if that lab is gone when the engine is asked: nobody knows then who had it."""
    engine = Engine(monkeypatch, (taken, False))
    dense_up()
    assert engine.calls == 2
    assert words in capsys.readouterr().err


def test_what_failed_after_the_network_was_made_is_not_tried_again(monkeypatch) -> None:
    """The network is the lab's own by then."""
    engine = Engine(monkeypatch, (False, True))
    with pytest.raises(LabError, match="exit status 1"):
        dense_up()
    assert engine.calls == 1


def test_a_network_that_is_never_to_be_had_is_given_up(monkeypatch) -> None:
    """Compose is called no more than TRIES times, and its failure is told."""
    engine = Engine(monkeypatch, *[(True, False)] * 9)
    with pytest.raises(LabError, match="exit status 1"):
        dense_up()
    assert engine.calls == compose_up.TRIES
