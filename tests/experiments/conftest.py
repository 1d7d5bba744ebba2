"""What every experiment leaves in runs/, passed or failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from tests.laboratory import LAST_LOOK, Lab, remember


@pytest.fixture(autouse=True)
def _evidence(request: pytest.FixtureRequest, keep: Callable[[str, object], None]) -> Iterator[None]:
    """For each lab of the test: its knobs and images, and all that its hosts said."""
    crowd: Lab | None = request.getfixturevalue("crowd") if "crowd" in request.fixturenames else None
    began = datetime.now(UTC).isoformat()
    before = LAST_LOOK.set(lambda lab: remember(lab, keep, began))
    yield
    LAST_LOOK.reset(before)
    if crowd:
        remember(crowd, keep, began)
