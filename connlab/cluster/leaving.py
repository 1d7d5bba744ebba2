"""Clients that leave a lab: asked to stop, in turn where the engine needs that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from connlab.base.output import notice
from connlab.cluster import engine, hosts, removal
from connlab.cluster.host import Host

GRACE = 2  # seconds for a host to end


def leave_network(project: str) -> None:
    """Take every host and the network away: what its clients have for addresses cannot be changed."""
    notice(f"{project} is made anew on another network")
    removal.remove_all(f"{hosts.PROJECT}={project}")
    removal.remove_networks(project)


def surplus(lab_hosts: Iterable[Host], clients: int) -> list[Host]:
    """List the client hosts that are too many; `leave` takes the last first."""
    return [host for host in lab_hosts if host.service == "client" and host.number > clients]


def leave(clients: Sequence[Host]) -> None:
    """Ask these to stop and remove them, the last first; one after another where the engine needs that."""
    if not clients:
        return
    together = engine.at_least(engine.version(), engine.PARTS_AT_ONCE)
    manner = "" if together else ", one after another"
    notice(f"{len(clients)} {'host leaves' if len(clients) == 1 else 'hosts leave'}{manner}")
    with ThreadPoolExecutor(16 if together else 1) as pool:
        list(pool.map(lambda host: host.remove(GRACE), reversed(clients)))
