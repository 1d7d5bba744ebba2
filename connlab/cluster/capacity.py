"""How many client hosts fit: said before anything is started, with the reason."""

from __future__ import annotations

import ipaddress

from connlab.base.errors import Usage
from connlab.base.knob_values import whole_number
from connlab.base.settings import Settings
from connlab.cluster import blocks, dense, engine, engine_machine, hosts

BRIDGE = 1000  # a Linux bridge has 1,023 ports; past about 1,000 containers lose each other (moby#44973)
CLIENT_BYTES = 8 << 20  # shim, Python, namespace: measured by `make bench`
SERVER_BYTES = 128 << 20


def check(settings: Settings, clients: int) -> None:
    """Refuse more clients than the engine's machine can have. Raises `Usage`, which says which limit and why."""
    if problem := whole_number(0, BRIDGE)(str(clients)):
        raise Usage(f"N={clients} {problem}", "a Linux bridge carries no more")
    running = len(hosts.find(settings.project, "client"))
    limits = (_by_memory(settings, running), _by_addresses(settings, clients))
    what, most = min(limits, key=lambda limit: limit[1])
    if clients > most:
        why = f"{what} is enough for {most} client{'s' * (most != 1)}"
        raise Usage(f"N={clients} is more than fits", why, next_step=_advice(settings, most, clients))
    if settings.sources > 1:
        dense.network_for(settings)  # which says what is in the way


def _by_memory(settings: Settings, running: int) -> tuple[str, int]:
    """Return what the memory of the engine's machine is called here, and how many clients it is enough for."""
    free = engine_machine.available_bytes(settings)
    if free is not None:
        return "memory", max(0, (free - SERVER_BYTES) // CLIENT_BYTES) + running
    total: int = engine.client().info()["MemTotal"]
    name = "all memory of the engine's machine (how much of it is free is not known before its first image)"
    return name, max(0, (total - SERVER_BYTES) // CLIENT_BYTES)


def _advice(settings: Settings, most: int, clients: int) -> str:
    """Say what can be done where so many clients are the most; a dense lab's network is as large as it was made."""
    if settings.sources > 1 and most < clients <= blocks.most_clients(settings.sources):
        return f"make up CLIENTS={clients}, which makes the lab anew; or try N={most}"
    return f"try N={most}"


def _by_addresses(settings: Settings, clients: int) -> tuple[str, int]:
    """Return what the lab's addresses are called here, and how many clients they are enough for."""
    if settings.sources == 1:
        return "addresses of the lab's subnet", _by_subnet(settings)
    each = f"with {settings.sources} source addresses for each"
    now = dense.of_lab(settings.project)
    if now and now.sources == settings.sources and settings.clients != clients:  # `scale`, which moves no lab
        return f"the lab's network {now.network}, {each},", now.clients
    return f"{blocks.POOL}, {each},", blocks.most_clients(settings.sources)


def _by_subnet(settings: Settings) -> int:
    """Count the addresses of the network's subnet; a new one gets a /16 or /20 of Docker's pool, which is enough."""
    for subnet in hosts.subnets(settings.project):
        # Not for clients: the network's and the broadcast address, the bridge's own, the server's.
        return ipaddress.ip_network(subnet).num_addresses - 4
    return BRIDGE
