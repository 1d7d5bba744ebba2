"""What every test may have: a lab of its own, a crowd that is shared, and a folder for its evidence."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Callable, Iterator

import pytest

from lab import evidence
from lab.hosts import Host
from tests.laboratory import Lab, laboratory, quiet, sweep


def pytest_report_header() -> str:
    """The kernel under test, because results depend on it."""
    return f"connlab: kernel {platform.release()}"


@pytest.fixture(scope="session", autouse=True)
def _nothing_of_others(request: pytest.FixtureRequest) -> None:
    """Clear away what a killed run left, if this run uses Docker at all."""
    if any("unit" not in item.path.parts for item in request.session.items):
        sweep()


@pytest.fixture(scope="session")
def _crowd() -> Iterator[Lab]:
    with laboratory(CLIENTS=20) as lab:
        yield lab


@pytest.fixture
def crowd(_crowd: Lab) -> Lab:
    """A lab with 20 idle clients, shared by all tests; every slot is free."""
    quiet(_crowd)
    return _crowd


@pytest.fixture(scope="session")
def run() -> evidence.Run:
    """This run's folder in runs/."""
    return evidence.Run()


@pytest.fixture
def watch(
    run: evidence.Run, request: pytest.FixtureRequest
) -> Callable[[Host], contextlib.AbstractContextManager]:
    """`with watch(server) as seen`: the second witness; what it saw is kept in runs/."""

    @contextlib.contextmanager
    def watched(server: Host) -> Iterator[evidence.Seen]:
        with evidence.watch(server) as seen:
            yield seen
        run.keep(request.node.name, "before", seen.before)
        run.keep(request.node.name, "after", seen.after)

    return watched
