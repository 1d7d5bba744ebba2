"""How containers go that nobody needs any more: at once, whatever their state, and all that a project has."""

from __future__ import annotations

import contextlib
import functools

from connlab.base.wait import until
from connlab.cluster.engine import NotFound, Refused, client
from connlab.cluster.hosts import ONE_OFF, PROJECT


def remove_one_offs(project: str) -> None:
    """Remove spare hosts, and what `compose run` left: `down` of Compose 2 and 5 forgets those that still run."""
    remove_all(f"{PROJECT}={project}", f"{ONE_OFF}=True")


def remove_project(project: str) -> None:
    """Remove all containers, networks and volumes of a project, without asking anybody to stop.

    For labs that nobody needs any more: a third of what `compose down` costs. Raises `GaveUp` if the engine
    keeps a container or a network.
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

    def none_is_listed() -> bool:
        # One after another, for the sake of old engines (engine.PARTS_AT_ONCE).
        entries = client().api.containers(all=True, filters={"label": list(labels)})
        for entry in entries:
            remove(entry["Id"])
        return not entries

    until(none_is_listed, f"the engine has removed all containers of {', '.join(labels)}", within=30)


def remove(container: str) -> None:
    """Remove a container, whatever its state; one that is going by itself, or gone, is fine."""
    with contextlib.suppress(Refused):  # it is removing itself already
        client().api.remove_container(container, force=True, v=True)


def _gone(network: str) -> bool:
    """Whether a network could be removed, or is not there; the engine may still count a host on it."""
    try:
        client().api.remove_network(network)
    except Refused as error:
        return error.response is not None and error.response.status_code == 404
    return True
