"""How many client hosts fit: said before anything is started, with the reason."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from lab import hosts
from lab.errors import Usage
from lab.settings import Settings, whole

BRIDGE = 1000  # a Linux bridge has 1,023 ports; past about 1,000 containers lose each other (moby#44973)
CLIENT_BYTES = 8 << 20  # shim, Python, namespace: measured by `make bench`
SERVER_BYTES = 128 << 20


def check(settings: Settings, clients: int) -> None:
    """Raises `Usage` if `clients` hosts cannot be had on this machine, and says which limit and why."""
    if problem := whole(0, BRIDGE)(str(clients)):
        raise Usage(f"N={clients} {problem}: a Linux bridge carries no more")
    running = len(hosts.find(settings.project, "client"))
    limits = {"memory": _by_memory(running), "addresses of the lab's subnet": _by_subnet(settings)}
    what, most = min(limits.items(), key=lambda limit: limit[1])
    if clients > most:
        raise Usage(
            f"N={clients} is more than fits: {what} is enough for {most} clients\n  next: try N={most}"
        )


def _by_memory(running: int) -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return max(0, (int(line.split()[1]) * 1024 - SERVER_BYTES) // CLIENT_BYTES) + running
    return BRIDGE


def _by_subnet(settings: Settings) -> int:
    """The network's own subnet if it exists; a new one gets a /16 or /20 from Docker's pool, which is enough."""
    for subnet in hosts.subnets(settings.project):
        # Not for clients: the network's and the broadcast address, the bridge's own, the server's.
        return ipaddress.ip_network(subnet).num_addresses - 4
    return BRIDGE
