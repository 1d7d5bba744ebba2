"""What `doctor` says of the machine."""

from __future__ import annotations

import pytest

from connlab.actions import machine_checks
from connlab.base import settings
from connlab.cluster import capacity, plan


def test_a_lab_that_fits_and_is_too_small_for_its_sources_is_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each shortage with its words; without one it is a pass."""
    shortages = ["2 clients could hold more", "so could their agents"]
    monkeypatch.setattr(capacity, "check", lambda *_: None)
    monkeypatch.setattr(plan, "shortages", lambda *_: shortages)
    row = machine_checks.check_memory(settings.read())
    assert (row["result"], row["detail"]) == ("WARN", "\n".join(shortages))
    shortages.clear()
    assert machine_checks.check_memory(settings.read())["result"] == "PASS"
