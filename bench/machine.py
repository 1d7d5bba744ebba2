"""The machine that the figures are of."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Any

from connlab.base.settings import Settings
from connlab.cluster import compose, engine, engine_machine, images

SETTLED = 1_000_000  # bytes within a look
SETTLE_LOOKS, SETTLE_EVERY = 8, 0.25


def facts() -> dict[str, Any]:
    """Return what the engine says of its machine, and our own side; our load is the machine's only if we are on it."""
    its = engine_machine.facts()
    return {
        **its,
        "engine": engine.version(),
        "compose": f"{' '.join(compose.command())} {compose.version()}",
        "python": platform.python_version(),
        "load": os.getloadavg()[0] if its["here"] else None,
    }


def own_facts() -> dict[str, Any]:
    """Return the same of our own side, for what needs no engine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "kernel": platform.release(),
        "cpus": os.cpu_count(),
        "memory_bytes": memory,
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
    }


def image_ids(lab: Settings) -> dict[str, str]:
    """Return the images that every peer starts, by name."""
    return {name: str(engine.client().images.get(name).id) for name in images.names(lab).values()}


def available_bytes() -> int | None:
    """Return the memory that the kernel would still give away; None if the engine runs on another machine than we."""
    if not engine_machine.is_here():
        return None
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


def settled_bytes() -> int | None:
    """Return the same, once what was stopped before has been given back, or after a few seconds anyway."""
    current = available_bytes()
    for _ in range(SETTLE_LOOKS):
        time.sleep(SETTLE_EVERY)
        before, current = current, available_bytes()
        if before is None or current is None or abs(current - before) < SETTLED:
            break
    return current
