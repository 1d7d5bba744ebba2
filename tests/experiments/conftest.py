"""What every experiment leaves in runs/, passed or failed; and labs that several files share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from connlab.cluster import engine_machine
from tests.support.laboratory import LAB_RECORDER, Lab, record_lab, shared_use
from tests.support.moving_lab import moving_lab


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the tests of one mode follow each other, so that its server is started once."""
    places = [place for place, item in enumerate(items) if item.path.name == "test_modes.py"]
    modes = list(dict.fromkeys(items[place].callspec.id for place in places))
    of_modes = sorted((items[place] for place in places), key=lambda item: modes.index(item.callspec.id))
    for place, item in zip(places, of_modes, strict=True):
        items[place] = item


@pytest.fixture(scope="session")
def _two_clients() -> Iterator[Callable[..., Lab]]:
    with moving_lab(clients=2) as move:
        yield move


@pytest.fixture(scope="session")
def _three_clients() -> Iterator[Callable[..., Lab]]:
    with moving_lab(clients=3) as move:
        yield move


@pytest.fixture
def one_at_a_time(_two_clients: Callable[..., Lab]) -> Iterator[Callable[..., Lab]]:
    """Return a function: `one_at_a_time(SERVER_MODE="greeting")` returns a lab of two clients with every slot free."""
    yield from _used(_two_clients)


@pytest.fixture
def many_at_once(_three_clients: Callable[..., Lab]) -> Iterator[Callable[..., Lab]]:
    """Return a function: `many_at_once(SERVER_MODE="forking")` returns a lab of three clients with every slot free."""
    yield from _used(_three_clients)


def _used(move: Callable[..., Lab]) -> Iterator[Callable[..., Lab]]:
    with contextlib.ExitStack() as stack:

        def use(**knobs: object) -> Lab:
            stack.close()  # what is to be kept of a server is kept before it is replaced
            lab = move(**knobs)
            stack.enter_context(shared_use(lab))
            return lab

        yield use


@pytest.fixture(autouse=True)
def _evidence(keep: Callable[[str, object], None]) -> Iterator[None]:
    """Keep each lab's knobs and images, and all events of its hosts."""
    began = engine_machine.now().isoformat()
    before = LAB_RECORDER.set(lambda lab: record_lab(lab, keep, began))
    yield
    LAB_RECORDER.reset(before)
