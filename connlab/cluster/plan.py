"""What a dense lab would hold if every source took all that it may, against what its hosts and machine carry."""

from __future__ import annotations

from connlab.base.settings import Settings
from connlab.cluster import engine_machine

# compose.yaml's: descriptors of a process of the client and of the server, and processes and threads of the server.
DESCRIPTORS, SERVER_DESCRIPTORS, TASKS = 16_384, 20_000, 4_096
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
    # Each of several processes holds so many, and a full one leaves newcomers to the others.
    workers = int(settings.values["WORKERS"]) if settings.values["SERVER_MODE"] == "prefork" else 1
    held = workers * (SERVER_DESCRIPTORS - SPARE)
    more = f"SERVER_MODE=prefork WORKERS={-(-wanted // (SERVER_DESCRIPTORS - SPARE))}, or {smaller}"
    limits = (
        (wanted, TASKS - SPARE, "threads of the server", "SERVER_MODE=selectors") if threads else
        (wanted, held, f"descriptors of {workers} server process{'es'[: 2 * (workers > 1)]}", more),
        (each, DESCRIPTORS - SPARE, "descriptors of a client's process", "fewer SOURCES_PER_CLIENT or CONNLIMIT"),
        (wanted, tracked, "entries of the machine's nf_conntrack_max", smaller),
    )  # fmt: skip
    return [
        f"{plan} could hold {need:,} connections, and {most:,} {what} are all that there are: {fix}"
        for need, most, what, fix in limits
        if most is not None and need > most
    ]
