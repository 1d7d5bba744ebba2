"""What the processes of the big run's hosts take, by the account of their control groups, which the engine reads.

That is memory that no file is behind, also what a server shares with its workers (`active_anon`, `inactive_anon` of
memory.stat, in both versions). The kernel's own, sockets and their tables, is not in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from connlab.cluster import engine
from connlab.cluster.host import Host

AT_ONCE = 8  # calls to the engine


def of_processes(hosts: Sequence[Host]) -> list[int]:
    """Return the bytes of each host's processes."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(_bytes, hosts))


def growth(before: Sequence[int], held: Sequence[int], connections: int) -> dict[str, Any]:
    """Return what the first host, the server, and all others take before the dials and while all is held.

    `per_connection` is all of it while all is held, with what was there before.
    """
    return {
        "server": {"before": before[0], "held": held[0]},
        "clients": {"before": sum(before[1:]), "held": sum(held[1:])},
        "per_connection": round(sum(held) / connections),
    }


def _bytes(host: Host) -> int:
    found = engine.memory(host.id)["stats"]
    return int(found["active_anon"]) + int(found["inactive_anon"])
