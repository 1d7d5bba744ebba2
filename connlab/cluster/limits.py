"""Limits of containers that follow from what a lab shall hold; compose.yaml has those of every other lab."""

from __future__ import annotations

from connlab.base.settings import Settings
from connlab.cluster import engine

SERVER = 512  # MiB, as in compose.yaml: the parent and its account of connections
# MiB a worker with 20,000 connections: 2.5 KiB each in the worker, its parent and the kernel (docs/knobs.md), and room.
WORKER = 64
# MiB of a client, as in compose.yaml, of which so many are its workload's and its agent's; and KiB of a connection that
# the agent holds, its own and the kernel's.
CLIENT, CLIENT_ITSELF, HELD = 128, 64, 8


def variables(settings: Settings) -> dict[str, str]:
    """Return what compose.yaml fills in where the plan needs more than its defaults. Asks the engine for `prefork`."""
    held = settings.sources * settings.connlimit if settings.sources > 1 else 0
    needed = CLIENT_ITSELF + -(-held * HELD // 1024)
    client = {"CLIENT_MEMORY": f"{needed}m"} if needed > CLIENT else {}
    if settings.values["SERVER_MODE"] != "prefork":
        return client
    workers = int(settings.values["WORKERS"])
    return {
        **client,
        "SERVER_MEMORY": f"{SERVER + WORKER * workers}m",
        "SERVER_CPUS": f"{min(workers, engine.processors())}.0",
    }
