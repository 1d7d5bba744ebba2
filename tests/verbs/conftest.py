"""The lab that most verbs are typed at: one for all files, because each test leaves it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.laboratory import Lab, laboratory, shared_use


def pytest_itemcollected(item: pytest.Item) -> None:
    """Run tests that share the trio in one worker, as those of the crowd are."""
    if "_trio" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.xdist_group("trio"))


@pytest.fixture(scope="session")
def _trio() -> Iterator[Lab]:
    with laboratory(CLIENTS=3) as lab:
        yield lab


@pytest.fixture
def trio(_trio: Lab) -> Iterator[Lab]:
    """Return a lab with three idle clients, shared by all tests; every slot is free."""
    with shared_use(_trio):
        yield _trio
