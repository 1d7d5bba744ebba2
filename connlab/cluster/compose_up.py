"""Compose's `up` of a lab, on its own network, with an explanation where it fails."""

from __future__ import annotations

from connlab.base.output import notice
from connlab.base.settings import Settings
from connlab.cluster import compose, compose_failure, dense, hosts
from connlab.cluster.blocks import Blocks

TRIES = 5  # networks that another lab may take between our look and our call


def compose_up(target: Settings, clients: int | None, *arguments: str) -> None:
    """Have Compose create and start hosts, and so many clients; options begin with a dash, the others are services.

    The network of a dense lab is chosen anew if another lab has taken it meanwhile, also if that one is gone by now.
    Raises `ComposeFailed`, explained.
    """
    options, services = [a for a in arguments if a[0] == "-"], [a for a in arguments if a[0] != "-"]
    scale = [] if clients is None else ["--scale", f"client={clients}"]
    for more in reversed(range(TRIES)):
        network = dense.network_for(target) if target.sources > 1 else None
        try:
            compose.run(
                target, "up", "-d", "--no-build", *options, *scale, *services,
                variables=dense.variables(network) if network else None,
            )  # fmt: skip
        except compose.ComposeFailed as error:
            if more and network and (words := _why_again(network, target.project)):
                notice(words)
                continue
            raise compose_failure.explained(error, target) from error
        return


def _why_again(network: Blocks, project: str) -> str:
    """Tell why another call may succeed, where the last one did not even make the network; empty if it did."""
    if hosts.networks(project):
        return ""
    if dense.is_taken(network):
        return f"{network.network} was taken by another lab meanwhile; trying the next one"
    return f"{network.network} is free, and yet there is no network; trying again"
