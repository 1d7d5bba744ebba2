"""What a dense lab would hold if every source took all that it may, against what its hosts and machine carry."""

from __future__ import annotations

from connlab.base.settings import Settings
from connlab.cluster import engine_machine

# compose.yaml's, of one host: descriptors of a process, and processes and threads of the server.
DESCRIPTORS, TASKS = 16_384, 4_096
SPARE = 64  # descriptors and threads that a host has for itself
BY_THREADS = ("threading", "unbounded_pool")


def shortages(settings: Settings, clients: int) -> list[str]:
    """List what the plan is too large for, each with its number and what can be done; nothing for one address each."""
    if settings.sources == 1:
        return []
    each = settings.sources * settings.connlimit
    wanted = clients * each
    threads = settings.values["SERVER_MODE"] in BY_THREADS
    tracked = engine_machine.conntrack_entries(settings)
    plan = f"{clients} clients with {settings.sources} sources of CONNLIMIT={settings.connlimit} each"
    smaller = "fewer CLIENTS, SOURCES_PER_CLIENT or CONNLIMIT"
    limits = (
        (wanted, TASKS - SPARE, "threads of the server", "SERVER_MODE=selectors") if threads else
        (wanted, DESCRIPTORS - SPARE, "descriptors of the server's process", smaller),
        (each, DESCRIPTORS - SPARE, "descriptors of a client's process", "fewer SOURCES_PER_CLIENT or CONNLIMIT"),
        (wanted, tracked, "entries of the machine's nf_conntrack_max", smaller),
    )  # fmt: skip
    return [
        f"{plan} could hold {need:,} connections, and {most:,} {what} are all that there are: {fix}"
        for need, most, what, fix in limits
        if most is not None and need > most
    ]
