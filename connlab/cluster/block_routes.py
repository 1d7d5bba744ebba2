"""The blocks of a dense lab in its kernels: a client answers for each address of its own, the server knows the way.

A client answers by AnyIP (`ip route add local NET dev lo`). Between it and the server is a veth pair from one network
namespace to the other, so that nothing of theirs crosses the bridge, where the machine's own namespace may track it,
and refuse what does not fit into that table:

    client-1   198.18.0.2 dev server src 198.18.0.3      server   198.18.0.3 dev client-1 src 198.18.0.2
               local 198.18.4.0/24 dev lo                         198.18.4.0/24 via 198.18.0.3 dev client-1

Because of `src` a way goes with the address that it names, so who is taken off the lab's network is. One way for a
block is one neighbour entry a client; without it the machine-wide neighbour table is full at 1,024 sources. All is set
from outside, so that no host has a capability (connlab/cluster/one_off.py), and looked for before, because a start
empties a network namespace.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from typing import NamedTuple

from connlab.cluster import dense, hosts, one_off
from connlab.cluster.blocks import Blocks
from connlab.cluster.host import Host
from connlab.cluster.idle_host import idle_host

AT_ONCE = 8  # calls to the engine
SECONDS, ROOT = 300, "0"
TO_SERVER = "server"  # the client's end of a pair; the other one has the name of the client
# PID 1 is that of a container in the server's network namespace. arp_announce 2: else a client asks for the server's
# hardware address in the name of a source, which the server then has for a neighbour (the kernel's ip-sysctl).
PAIR = """
ip link show dev "$1" > /dev/null 2>&1 && ip link del dev "$1"
ip link add "$1" type veth peer name "$2" netns 1 && ip link set "$1" up && ip route replace local "$3" dev lo &&
echo 2 > /proc/sys/net/ipv4/conf/all/arp_announce && ip route replace $4
"""
BATCH = 'printf "%s\\n" "$@" | ip -batch -'


class Way(NamedTuple):
    """What the kernels of a client and of its server say of its block, as ip(8) prints it."""

    client: Host
    block: IPv4Network
    to_server: str
    to_client: str
    to_block: str

    @property
    def local(self) -> str:
        """The client's route that makes the addresses of its block its own."""
        return f"local {self.block} dev lo table local scope host"


def give(project: str, old_hosts: Iterable[Host], lab_hosts: Sequence[Host]) -> None:
    """Set the blocks of the clients and the ways between them and the server, where they are missing.

    Hosts that were not there before have none, and are not asked. Nothing is done in a lab whose clients have one
    address each. Raises `CommandFailed` with what ip(8) said.
    """
    found = dense.of_lab(project)
    if found is None:
        return
    old_ids = {host.id for host in old_hosts}
    server, clients = hosts.server(project, lab_hosts), [h for h in lab_hosts if h.service == "client"]
    old = [host for host in clients if host.id in old_ids and server.id in old_ids]
    well = {host.id for host in old} - lacks(found, server, old).keys()
    missing = [_way(found, server, host) for host in clients if host.id not in well]
    if not missing:
        return
    config = one_off.netns_config(server, auto_remove=True)
    image = server.inspect()["Image"]
    with idle_host(image, "ways", config, SECONDS, ROOT) as beside, ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda way: _pair(way, beside), missing))
        lines = (
            (
                f"link set {way.client.name} up",
                f"route replace {way.to_client}",
                f"route replace {way.to_block}",
            )
            for way in missing
        )
        beside.run(["sh", "-c", BATCH, "sh", *(line for three in lines for line in three)])


def lacks(found: Blocks, server: Host, clients: Sequence[Host]) -> dict[str, str]:
    """Say by id which of these running clients cannot dial from its block, and why; the others are left out."""
    if not clients:
        return {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        told = list(pool.map(_routes, clients))
    known, reasons = _routes(server), {}
    for host, own in zip(clients, told, strict=True):
        way = _way(found, server, host)
        if way.local not in own:
            reasons[host.id] = "without its block"
        elif not {way.to_client, way.to_block} <= known:
            reasons[host.id] = "its block is unknown to the server"
        elif way.to_server not in own:
            reasons[host.id] = "without its way to the server"
    return reasons


def _routes(host: Host) -> frozenset[str]:
    """Return the routes of a running host, a line of ip(8) each, `scope link` left out."""
    lines = host.run(["ip", "route", "show", "table", "all"]).splitlines()
    return frozenset(" ".join(line.replace(" scope link", "").split()) for line in lines)


def _way(found: Blocks, server: Host, client: Host) -> Way:
    block = found.of(client.number)
    return Way(
        client, block,
        to_server=f"{server.address} dev {TO_SERVER} src {client.address}",
        to_client=f"{client.address} dev {client.name} src {server.address}",
        to_block=f"{block} via {client.address} dev {client.name} src {server.address}",
    )  # fmt: skip


def _pair(way: Way, beside: Host) -> None:
    """Make the pair, in place of one that may be there, and give the client its block."""
    arguments = (TO_SERVER, way.client.name, str(way.block), way.to_server)
    one_off.run_in_netns(
        way.client, ["sh", "-c", PAIR, "sh", *arguments], writable_net=True, processes_of=beside
    )
