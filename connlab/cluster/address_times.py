"""Since when a host has its address. The engine hands an address out again as soon as its host has left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from connlab.cluster.engine import NotFound
from connlab.cluster.host import Host

AT_ONCE = 8  # inspections; twenty of them take 22 ms
STARTING = 10.0  # seconds that the engine may take to start a container, and to note that it has

# Seconds before `StartedAt` when the host already has the address: ten starts took 250 to 700 ms from its connection.
CONNECTED = 0.1

Moments = tuple[float, float]
Tenures = dict[str, Moments]


def moments(hosts: Iterable[Host]) -> Tenures:
    """For each address of these hosts the moments between which its host began, by the engine's clock (UTC seconds).

    The clock of the engine's machine is the one that the hosts have too. A host that is gone meanwhile is left out.
    """
    addressed = [host for host in hosts if host.address]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        inspections = pool.map(_inspected, addressed)
        pairs = [
            (host.address, start_bounds(inspection))
            for host, inspection in zip(addressed, inspections, strict=True)
            if inspection
        ]
    return {address: moment for address, moment in pairs if moment}


def start_bounds(inspection: Mapping[str, Any]) -> Moments | None:
    """When the container that the engine describes so began: not before the first moment, and by the second.

    It is created, gets its address, starts, and only then the engine notes `StartedAt`; before it starts again it
    was `FinishedAt`. An earlier host of the address has left before it is given out. None if it never started.
    """
    created, start, finished = (
        _seconds(text)
        for text in (
            inspection["Created"],
            inspection["State"]["StartedAt"],
            inspection["State"]["FinishedAt"],
        )
    )
    if not start:
        return None
    end = finished if finished < start else 0.0
    after = min(start, max(created, end, start - STARTING))
    return after, max(after, start - CONNECTED)


def _inspected(host: Host) -> Mapping[str, Any] | None:
    try:
        return host.inspect()
    except NotFound:
        return None


def _seconds(text: str) -> float:
    """Convert a moment of the engine's (RFC 3339, nanoseconds) to seconds; 0 for `0001-01-01`, which is never."""
    moment = datetime.fromisoformat(text)
    return max(0.0, moment.timestamp()) if moment.year > 1 else 0.0
