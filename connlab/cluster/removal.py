"""How containers go that nobody needs any more: at once, whatever their state, and all that a project has."""

from __future__ import annotations

import contextlib
import functools
import http
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from connlab.base.wait import until
from connlab.cluster import engine
from connlab.cluster.engine import NotFound, Refused, client
from connlab.cluster.hosts import PROJECT

PARALLEL = 8  # calls to the engine


def remove_project(project: str) -> None:
    """Remove all containers, networks and volumes of a project, without asking anybody to stop.

    Raises `GaveUp` if the engine keeps a container or a network.
    """
    api, filters = client().api, {"label": f"{PROJECT}={project}"}
    remove_all(filters["label"])
    remove_networks(project)
    for volume in api.volumes(filters=filters)["Volumes"] or []:
        with contextlib.suppress(NotFound):
            api.remove_volume(volume["Name"])


def remove_networks(project: str) -> None:
    """Remove the networks of a project, on which nobody is any more. Raises `GaveUp` if the engine keeps one."""
    for network in client().api.networks(filters={"label": f"{PROJECT}={project}"}):
        until(functools.partial(_gone, network["Id"]), f"the engine lets go of {network['Name']}", within=10)


def remove_all(*labels: str) -> None:
    """Remove every container that has these labels, until the engine lists none. Raises `GaveUp` if it keeps one.

    One that is being made is listed before it can be removed (engine 20.10: "No such container").
    """
    in_turn = not engine.at_least(engine.version(), engine.PARTS_AT_ONCE)

    def none_is_listed() -> bool:
        entries = client().api.containers(all=True, filters={"label": list(labels)})
        with ThreadPoolExecutor(PARALLEL) as pool:
            removals = []
            for entry in entries:
                if in_turn:
                    _part(entry)
                removals.append(pool.submit(remove, entry["Id"]))
            for removal in removals:
                removal.result()
        return not entries

    until(none_is_listed, f"the engine has removed all containers of {', '.join(labels)}", within=30)


def remove(container: str) -> None:
    """Remove a container, whatever its state; one that is going by itself, or gone, is fine."""
    with contextlib.suppress(Refused):  # it is removing itself already
        client().api.remove_container(container, force=True, v=True)


def _part(entry: Mapping[str, Any]) -> None:
    """Take a container off its networks: what is on none may go at the same moment as others (engine.PARTS_AT_ONCE)."""
    for network in entry["NetworkSettings"]["Networks"].values():
        if network["EndpointID"]:  # a host that does not run has none
            with contextlib.suppress(Refused):
                client().api.disconnect_container_from_network(entry["Id"], network["NetworkID"], force=True)


def _gone(network: str) -> bool:
    """Whether a network could be removed, or is not there; the engine may still count a host on it."""
    try:
        client().api.remove_network(network)
    except Refused as error:
        return error.status_code == http.HTTPStatus.NOT_FOUND
    return True
