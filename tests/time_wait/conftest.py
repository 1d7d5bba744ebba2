"""The TIME_WAIT family: its recordings all start with its first test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connlab.evidence.recorder import RunFolder
from tests.support.recording import Tapes, rolling, wanted
from tests.time_wait.endings import endings
from tests.time_wait.lingering import lingering
from tests.time_wait.ports import exhaustion
from tests.time_wait.slots import slots

__all__ = ["endings", "exhaustion", "lingering", "slots"]  # those that have a file of their own


@pytest.fixture(scope="session")
def _tapes(request: pytest.FixtureRequest, run: RunFolder) -> Iterator[dict[str, Tapes]]:
    with rolling(wanted(request.session.items), run) as tapes:
        yield tapes
