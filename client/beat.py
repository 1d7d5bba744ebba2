"""The beat of the workloads: when a round starts."""

from __future__ import annotations

import time
from collections.abc import Iterator


def every(seconds: float) -> Iterator[None]:
    """Yield at once and then each `seconds`; a beat that was missed is skipped, not made up for."""
    next_ns = time.monotonic_ns()
    while True:
        yield
        now_ns = time.monotonic_ns()
        next_ns = max(next_ns + int(seconds * 1e9), now_ns)
        time.sleep((next_ns - now_ns) / 1e9)
