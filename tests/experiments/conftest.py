"""What every experiment leaves in runs/, passed or failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from lab import evidence
from tests.laboratory import BEFORE_DOWN, Lab


@pytest.fixture(autouse=True)
def _evidence(request: pytest.FixtureRequest, keep: Callable[[str, object], None]) -> Iterator[None]:
    """For each lab of the test: its knobs and images, and all that its hosts said, every attempt included."""
    crowd: Lab | None = request.getfixturevalue("crowd") if "crowd" in request.fixturenames else None
    began = datetime.now(UTC).isoformat()

    def last_look(lab: Lab) -> None:
        images = {host.service: host.inspect()["Image"] for host in (lab.server, *lab.clients[:1])}
        keep("settings", {"knobs": lab.settings.values, "images": images})
        keep("events", evidence.story([lab.server, *lab.clients], since=began))

    BEFORE_DOWN.append(last_look)
    yield
    BEFORE_DOWN.remove(last_look)
    if crowd:
        last_look(crowd)
