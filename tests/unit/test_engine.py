"""Which engine has which fault, at the edge of each, in the spellings that engines use."""

from __future__ import annotations

import pytest

from lab.engine import PARTS_AT_ONCE, WITHOUT_COMPOSE_1, at_least


@pytest.mark.parametrize(
    ("version", "new"),
    [
        ("20.10.24+dfsg1", False), ("20.10.26", False), ("20.10.27", True), ("23.0.1", True), ("28.2.2", True),
        ("19.03.15", False), ("dev", False), ("", False),
    ],
)  # fmt: skip
def test_hosts_may_leave_a_network_at_once(version: str, new: bool) -> None:
    """20.10.27 was the first of its series with the mended lock; an unknown engine is trusted with nothing."""
    assert at_least(version, PARTS_AT_ONCE) is new


@pytest.mark.parametrize(("version", "new"), [("24.0.9", False), ("25.0.0", True), ("26.1.5+dfsg1", True)])
def test_compose_1_cannot_recreate(version: str, new: bool) -> None:
    """From 25 on."""
    assert at_least(version, WITHOUT_COMPOSE_1) is new
