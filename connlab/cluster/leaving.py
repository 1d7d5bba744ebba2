"""Hosts that leave a lab: asked to stop, clients before the server, in turn where the engine needs that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from connlab.base.output import notice
from connlab.cluster import engine, hosts, removal
from connlab.cluster.host import Host

GRACE = 2  # seconds for a host to end; a server waits 1.5 s for its connections


def leave_network(project: str) -> None:
    """Take every host and the network away: what its clients have for addresses cannot be changed."""
    notice(f"{project} is made anew on another network")
    removal.remove_all(f"{hosts.PROJECT}={project}")
    removal.remove_networks(project)


def surplus(lab_hosts: Iterable[Host], clients: int) -> list[Host]:
    """List the client hosts that are too many; `leave` takes the last first."""
    return [host for host in lab_hosts if host.service == "client" and host.number > clients]


def leave(lab_hosts: Sequence[Host]) -> None:
    """Ask these hosts to stop and remove them, clients before the server, which waits for its connections.

    One after another where the engine needs that, else each service at one moment.
    """
    if not lab_hosts:
        return
    together = engine.at_least(engine.version(), engine.PARTS_AT_ONCE)
    manner = "" if together else ", one after another"
    notice(f"{len(lab_hosts)} {'host leaves' if len(lab_hosts) == 1 else 'hosts leave'}{manner}")
    with ThreadPoolExecutor(16 if together else 1) as pool:
        for service in ("client", "server"):
            group = [host for host in lab_hosts[::-1] if host.service == service]
            list(pool.map(lambda host: host.remove(GRACE), group))
