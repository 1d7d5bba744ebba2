"""What every experiment leaves in runs/, passed or failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from connlab.cluster import engine_machine
from tests.support.laboratory import LAST_LOOK, remember


@pytest.fixture(autouse=True)
def _evidence(keep: Callable[[str, object], None]) -> Iterator[None]:
    """For each lab of the test: its knobs and images, and all that its hosts said."""
    began = engine_machine.now().isoformat()
    before = LAST_LOOK.set(lambda lab: remember(lab, keep, began))
    yield
    LAST_LOOK.reset(before)
