"""The network of a dense lab, as the engine has it: found again, or a free one chosen."""

from __future__ import annotations

from ipaddress import IPv4Network

from connlab.base.errors import LabError
from connlab.base.settings import Settings
from connlab.cluster import blocks, hosts
from connlab.cluster.blocks import Blocks
from connlab.cluster.engine import client

LABEL = "connlab.sources"  # of a network: how many addresses each client has (compose.dense.yaml)
FILE = "compose.dense.yaml"


def of_lab(project: str) -> Blocks | None:
    """Return the blocks of a lab that is there; None if its clients have one address each, or there is none."""
    for network in hosts.networks(project):
        subnets = [IPv4Network(text) for text in hosts.ipv4_subnets(network)]
        if (sources := (network["Labels"] or {}).get(LABEL)) and subnets:
            return Blocks(subnets[0], int(sources))
    return None


def has_to_move(settings: Settings) -> bool:
    """Whether the lab's network is there and is none for these settings: then the lab is made anew on another."""
    if not hosts.networks(settings.project):
        return False
    now = of_lab(settings.project)
    if now is None or settings.sources == 1:
        return (now is None) != (settings.sources == 1)
    return now.sources != settings.sources or now.clients < settings.clients


def network_for(settings: Settings) -> Blocks:
    """Return the lab's network, or a free one for it. Raises `LabError` if none is free."""
    now = of_lab(settings.project)
    if now and not has_to_move(settings):
        return now
    taken = {
        IPv4Network(text): str(network["Name"])
        for network in client().api.networks()
        for text in hosts.ipv4_subnets(network)
        if network["Labels"] is None or network["Labels"].get(hosts.PROJECT) != settings.project
    }
    if network := blocks.choose(taken, settings.clients, settings.sources):
        return Blocks(network, settings.sources)
    others = [f"{name} {network}" for network, name in taken.items() if network.overlaps(blocks.POOL)]
    raise LabError(
        f"no part of {blocks.POOL} is free for {settings.clients} clients with {settings.sources} sources each",
        f"there are the networks {', '.join(others)}" if others else "",
        next_step="take another lab down, or fewer CLIENTS or SOURCES_PER_CLIENT",
    )


def variables(found: Blocks) -> dict[str, str]:
    """Return what compose.dense.yaml refers to, beside the knobs."""
    return {"LAB_SUBNET": str(found.network), "LAB_HOSTS": str(found.hosts)}


def is_taken(found: Blocks) -> bool:
    """Whether the engine has a network there by now."""
    texts = [text for network in client().api.networks() for text in hosts.ipv4_subnets(network)]
    return any(IPv4Network(text).overlaps(found.network) for text in texts)
