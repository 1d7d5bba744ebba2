"""The TIME_WAIT family: its recordings all start with its first test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connlab.evidence.recorder import RunFolder
from tests.support.recordings import Recordings, recordings_of, start_recordings
from tests.time_wait.endings import endings
from tests.time_wait.lingering import lingering
from tests.time_wait.ports import exhaustion
from tests.time_wait.slots import slots

__all__ = ["endings", "exhaustion", "lingering", "slots"]  # those that have a file of their own


@pytest.fixture(scope="session")
def _recordings(request: pytest.FixtureRequest, run: RunFolder) -> Iterator[dict[str, Recordings]]:
    with start_recordings(recordings_of(request.session.items), run) as recordings:
        yield recordings
