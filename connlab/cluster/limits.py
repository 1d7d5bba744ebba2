"""Limits of the server's container that follow from what it shall do; compose.yaml has those of every other mode."""

from __future__ import annotations

from connlab.base.settings import Settings
from connlab.cluster import engine

SERVER = 512  # MiB, as in compose.yaml: the parent and its account of connections
# MiB a worker with 20,000 connections: 2.5 KiB each in the worker, its parent and the kernel (docs/knobs.md), and room.
WORKER = 64


def variables(settings: Settings) -> dict[str, str]:
    """Return what compose.yaml fills in where the plan needs more than its defaults. Asks the engine for `prefork`."""
    if settings.values["SERVER_MODE"] != "prefork":
        return {}
    workers = int(settings.values["WORKERS"])
    return {
        "SERVER_MEMORY": f"{SERVER + WORKER * workers}m",
        "SERVER_CPUS": f"{min(workers, engine.processors())}.0",
    }
