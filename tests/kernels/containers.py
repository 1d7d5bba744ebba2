"""The containers that a process has to remove."""

from __future__ import annotations

from connlab.cluster import engine
from connlab.cluster.idle_host import OWNER


def owned_by(process: int) -> list[str]:
    """Return their ids."""
    found = engine.client().api.containers(all=True, filters={"label": f"{OWNER}={process}"})
    return [str(entry["Id"]) for entry in found]
