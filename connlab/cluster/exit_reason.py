"""Why a container ended, where it did not say so itself: from what the engine knows of it."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import Any


def describe_end(state: Mapping[str, Any]) -> str:
    """In words, from `State` of the engine's inspection: exit status, signal, memory, the engine's own error."""
    error = str(state.get("Error") or "")
    memory = "it reached its memory limit (OOM killer); " if state.get("OOMKilled") else ""
    return f"{memory}{describe_exit_status(int(state['ExitCode']))}{f'; the engine says: {error}' if error else ''}"


def describe_exit_status(code: int) -> str:
    """Say an exit status in words; 128 and more are a signal's, as a shell says it (docker run, Exit status)."""
    try:
        return f"exit status {code} ({signal.Signals(code - 128).name})"
    except ValueError:
        return f"exit status {code}"
