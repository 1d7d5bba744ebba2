"""What every experiment leaves in runs/, passed or failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from connlab.cluster import engine_machine
from tests.support.laboratory import LAB_RECORDER, record_lab


@pytest.fixture(autouse=True)
def _evidence(keep: Callable[[str, object], None]) -> Iterator[None]:
    """Keep each lab's knobs and images, and all events of its hosts."""
    began = engine_machine.now().isoformat()
    before = LAB_RECORDER.set(lambda lab: record_lab(lab, keep, began))
    yield
    LAB_RECORDER.reset(before)
