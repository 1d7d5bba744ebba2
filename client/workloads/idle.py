"""idle: do nothing, at the least cost; the host is there for an agent."""

from __future__ import annotations

import _signal


def run(_knobs: dict) -> None:
    """Wait for signals, for ever."""
    while True:
        _signal.pause()
