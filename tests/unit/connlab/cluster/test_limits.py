"""Limits of containers follow what a lab shall hold."""

from __future__ import annotations

import pytest

from connlab.base import settings
from connlab.cluster import limits


@pytest.mark.parametrize(
    ("sources", "limit", "memory"),
    [(1, 60_000, None), (256, 15, None), (512, 16, None), (512, 17, "132m"), (1024, 15, "184m")],
)
def test_a_client_has_memory_for_all_that_its_sources_may_hold(sources, limit, memory):
    """8 KiB each beside 64 MiB of its own, and never less than compose.yaml says."""
    lab = settings.read().changed(SOURCES_PER_CLIENT=sources, CONNLIMIT=limit, SERVER_MODE="selectors")
    assert limits.variables(lab).get("CLIENT_MEMORY") == memory
