"""Hosts: the containers of a lab, found by their Compose labels.

Names are never built: Compose 1 and 2 spell them differently, and neither promises them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connlab.base.errors import LabError
from connlab.cluster.engine import client
from connlab.cluster.host import Host

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
NUMBER = "com.docker.compose.container-number"
ONE_OFF = "com.docker.compose.oneoff"


def find(project: str, service: str | None = None) -> list[Host]:
    """List the hosts of a lab, the server first, then clients by number; stopped ones too."""
    labels = [f"{PROJECT}={project}", f"{ONE_OFF}=False", *([f"{SERVICE}={service}"] if service else [])]
    entries = client().api.containers(all=True, filters={"label": labels})
    hosts = (_host(entry) for entry in entries)
    return sorted(hosts, key=lambda host: (host.service != "server", host.service, host.number))


def server(project: str, lab_hosts: Sequence[Host]) -> Host:
    """Return the server among the hosts of a lab, if it can be asked anything.

    Raises `LabError` with the state that it is in instead, and what brings it back.
    """
    servers = [host for host in lab_hosts if host.service == "server"]
    for host in servers:
        if host.running:
            return host
    if not servers:
        problem = "has no server" if lab_hosts else "is not up"
        raise LabError(f"the lab {project} {problem}", next_step="make up")
    raise LabError(
        f"{servers[0].name} of the lab {project} is not running",
        servers[0].trouble,
        next_step="make up, which brings it back; make logs S=server shows what it said",
    )


def networks(project: str) -> list[dict[str, Any]]:
    """List what the engine knows of a lab's networks; none before it was up."""
    entries: list[dict[str, Any]] = client().api.networks(filters={"label": f"{PROJECT}={project}"})
    return entries


def subnets(project: str) -> list[str]:
    """List the IPv4 subnets of a lab's networks; none before it was up."""
    return [subnet for network in networks(project) for subnet in ipv4_subnets(network)]


def ipv4_subnets(network: Mapping[str, Any]) -> list[str]:
    """List the IPv4 subnets of a network as the engine described it; none of the host's own."""
    configured = network["IPAM"]["Config"] or []
    return [config["Subnet"] for config in configured if "." in config.get("Subnet", "")]


def is_internal(network: str) -> bool:
    """Whether the engine drops everything that would leave this network."""
    return bool(client().api.inspect_network(network)["Internal"])


def projects(prefix: str) -> set[str]:
    """List the projects whose name starts with `prefix` and of which a container, network or volume is left."""
    api, filters = client().api, {"label": PROJECT}
    volumes = api.volumes(filters=filters)["Volumes"] or []
    entries = [*api.containers(all=True, filters=filters), *api.networks(filters=filters), *volumes]
    return {name for entry in entries if (name := entry["Labels"][PROJECT]).startswith(prefix)}


def _host(entry: Mapping[str, Any]) -> Host:
    labels: Mapping[str, str] = entry["Labels"]
    networks = entry["NetworkSettings"]["Networks"].values()
    address = next((network["IPAddress"] for network in networks), "")
    return Host(
        id=entry["Id"], service=labels[SERVICE], number=int(labels[NUMBER]), address=address,
        state=entry["State"], uptime=entry["Status"],
    )  # fmt: skip
