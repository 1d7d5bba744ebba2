"""The blocks of a dense lab in its kernels: a client answers for each address of its own, the server knows the way.

The first is AnyIP (`ip route add local NET dev lo`), the second a route by the client's own address. Set from outside,
so that no host has a capability (connlab/cluster/one_off.py), and looked for before, because a start empties a network
namespace. One route a client is one neighbour entry; without it the machine-wide neighbour table is full at 1,024
sources.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from connlab.cluster import dense, hosts, one_off
from connlab.cluster.blocks import Blocks
from connlab.cluster.host import Host

AT_ONCE = 8  # calls to the engine
# Else it asks for the server's hardware address in the name of a source, which the server then has for a neighbour
# (arp_announce in the kernel's ip-sysctl: 2 takes the interface's own address).
OWN = 'ip route replace local "$1" dev lo && echo 2 > /proc/sys/net/ipv4/conf/all/arp_announce'
BATCH = 'printf "%s\\n" "$@" | ip -batch -'


def give(project: str, old_hosts: Iterable[Host], lab_hosts: Sequence[Host]) -> None:
    """Set the blocks of the clients and the server's ways to them, where they are missing.

    Hosts that were not there before have none, and are not asked. Nothing is done in a lab whose clients have one
    address each. Raises `CommandFailed` with what ip(8) said.
    """
    found = dense.of_lab(project)
    if found is None:
        return
    old_ids = {host.id for host in old_hosts}
    server, clients = hosts.server(project, lab_hosts), [h for h in lab_hosts if h.service == "client"]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        has_own = pool.map(lambda host: host.id in old_ids and has_block(found, host), clients)
        without = [host for host, is_there in zip(clients, has_own, strict=True) if not is_there]
        list(pool.map(lambda host: _own(found, host), without))
    known = ways(server) if server.id in old_ids else frozenset()
    if missing := [way for way in _ways(found, clients) if way not in known]:
        one_off.run_in_netns(server, ["sh", "-c", BATCH, "sh", *(f"route replace {way}" for way in missing)])


def lacks(found: Blocks, server: Host, clients: Sequence[Host]) -> dict[str, str]:
    """Say by id which of these running clients cannot dial from its block, and why; the others are left out."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        has_own = dict(
            zip((h.id for h in clients), pool.map(lambda h: has_block(found, h), clients), strict=True)
        )
    known, reasons = ways(server), {}
    for host, way in zip(clients, _ways(found, clients), strict=True):
        if not has_own[host.id]:
            reasons[host.id] = "without its block"
        elif way not in known:
            reasons[host.id] = "its block is unknown to the server"
    return reasons


def has_block(found: Blocks, host: Host) -> bool:
    """Whether a running client's kernel takes the addresses of its block for its own."""
    argv = ["ip", "route", "show", "table", "local", "exact", str(found.of(host.number)), "dev", "lo"]
    return host.run(argv).startswith("local ")


def ways(server: Host) -> frozenset[str]:
    """Return the ways by another host that a running server knows: `198.18.4.0/24 via 198.18.0.3`."""
    routes = (line.split() for line in server.run(["ip", "route", "show"]).splitlines())
    return frozenset(" ".join(words[:3]) for words in routes if words[1:2] == ["via"])


def _ways(found: Blocks, clients: Iterable[Host]) -> list[str]:
    return [f"{found.of(host.number)} via {host.address}" for host in clients]


def _own(found: Blocks, host: Host) -> None:
    block = str(found.of(host.number))
    one_off.run_in_netns(host, ["sh", "-c", OWN, "sh", block], writable_net=True)
