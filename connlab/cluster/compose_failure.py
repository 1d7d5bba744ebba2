"""Why Compose failed, in words of ours, where its own say too little: found out afterwards, from the engine."""

from __future__ import annotations

from connlab.base.errors import LabError, NotFit
from connlab.base.settings import Settings
from connlab.cluster import engine, hosts, images
from connlab.cluster.compose import ComposeFailed
from connlab.cluster.engine import Refused, client

# The engine's words for that: 20.10's, and those since 27.
FULL = ("available, non-overlapping IPv4 address pool", "address pools have been fully subnetted")


def explained(error: ComposeFailed, settings: Settings) -> LabError:
    """Find out the reason, and what to do; `error` itself if nothing better is known."""
    for name in images.names(settings).values():
        if engine.image_labels(name) is None:
            return LabError(
                f"the image {name} is gone",
                "somebody removed it meanwhile",
                next_step="make up, which builds it",
            )
    if not hosts.networks(settings.project) and (words := _no_network(settings.project)):
        return no_network(words, len(client().api.networks()))
    return error


def no_network(words: str, there_are: int) -> LabError:
    """Make the refusal of one more network, from the engine's words."""
    if any(full in words for full in FULL):
        return NotFit(
            f"the engine has no addresses left for one more network; it has {there_are}",
            next_step="make down in labs that nobody needs; docker network ls, docker network prune",
        )
    return NotFit("the engine makes no network", words, next_step="make doctor")


def _no_network(project: str) -> str:
    """Return the engine's words if it cannot make the network that is missing; empty if it can. Leaves none."""
    api = client().api
    try:
        network = api.create_network(f"{project}_trial", internal=True, labels={hosts.PROJECT: project})
    except Refused as error:
        return str(error.explanation)
    api.remove_network(network["Id"])
    return ""
