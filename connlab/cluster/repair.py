"""Hosts that are broken, and how each is brought back; one that is well is not touched."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from connlab.base.output import notice
from connlab.base.settings import Settings
from connlab.base.wait import until
from connlab.cluster import client_copies, engine, hosts, images, removal
from connlab.cluster.host import Host

AT_ONCE = 8  # calls to the engine
REMOVED_WITHIN = 30.0  # seconds
HOPELESS = {"dead": "dead", "removing": "being removed", "restarting": "restarting over and over"}


def repair_hosts(project: str, lab_hosts: Sequence[Host], clients: int) -> list[Host]:
    """Bring back what can be brought back of the clients up to `clients` and the server, and say so.

    A paused host goes on. One that cannot be started again, or is not on the lab's network under its name, is removed.
    A client whose number is missing is created like one that is there. What is stopped, or missing altogether, is left
    to Compose, and so is every start. Returns the hosts that there are then.
    """
    for host in lab_hosts:
        if host.state == "paused":
            notice(f"{host.name} was paused, and goes on")
            host.unpause()
    networks = {network["Name"]: network["Id"] for network in hosts.networks(project)}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        troubles = list(pool.map(functools.partial(_beyond_help, networks), lab_hosts))
    for host, why in zip(lab_hosts, troubles, strict=True):
        if why:
            notice(f"{host.name} is replaced: {why}")
            removal.remove(host.id)
            until(functools.partial(_is_gone, project, host), f"{host.name} is removed", REMOVED_WITHIN)
    client_hosts = hosts.find(project, "client")
    if client_hosts:
        model = min(client_hosts, key=lambda host: not host.running)
        missing_numbers = client_copies.missing_numbers(client_hosts, clients)
        for number in [missing for missing in missing_numbers if missing < client_hosts[-1].number]:
            notice(f"client-{number} is missing, and is made like {model.name}")
            client_copies.create(model, number)
    return hosts.find(project)


def restore_image_names(settings: Settings, lab_hosts: Sequence[Host]) -> None:
    """Name an image again that hosts run from and somebody removed, so that it need not be built and they stay."""
    for service in images.SERVICES:
        name = images.name(settings, service)
        if engine.image_labels(name) is None:
            inspections = (host.inspect() for host in lab_hosts if host.service == service)
            ids = (inspection["Image"] for inspection in inspections if inspection["Config"]["Image"] == name)
            if image_id := next(ids, None):
                notice(f"{name} was removed; it is named again, because hosts run from it")
                engine.name_image(image_id, name)


def _beyond_help(networks: Mapping[str, str], host: Host) -> str:
    """Why a host cannot be brought back as it is; empty if it can, or need not."""
    if host.state in HOPELESS:
        return f"it is {HOPELESS[host.state]}"
    places: Mapping[str, Any] = host.inspect()["NetworkSettings"]["Networks"]
    ends = [place for name, place in places.items() if name in networks]
    if not ends or any(place["NetworkID"] not in ("", *networks.values()) for place in ends):
        return "it is not on the lab's network"
    if host.running and not any(host.service in (place["Aliases"] or ()) for place in ends):
        return f"nobody on the lab's network finds it as `{host.service}`"
    return ""


def _is_gone(project: str, host: Host) -> bool:
    return host.id not in {other.id for other in hosts.find(project)}
