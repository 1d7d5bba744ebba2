"""The hosts of a scenario: a server with an interface for each name that the rules use, and a client behind one."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from namespaces.netns import Namespace
from namespaces.office import masquerade

# The link of the client that dials: whoever is asked for by the rules has another address (sources, targets).
LINK4 = ("192.0.0.9", "192.0.0.10")  # server, client: of 192.0.0.0/24, which no network uses (RFC 6890)
LINK6 = ("2001:db8:ffff:fffe::9", "2001:db8:ffff:fffe::a")
MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")


class Hosts(NamedTuple):
    """The two ends. With an office the client is its router, and `people` are behind that."""

    server: Namespace
    client: Namespace
    people: Namespace | None = None


@contextlib.asynccontextmanager
async def hosts(
    interfaces: Sequence[str],
    via: str,
    targets: Sequence[str],
    office: str | None = None,
    sources: Sequence[str] = (),
) -> AsyncIterator[Hosts]:
    """Make the hosts of a scenario, joined; gone on the way out. `office` is the address of its router.

    Every address of `targets` is the server's, and of the nets `sources` the client's (AnyIP).

    Neighbours are permanent, because rules that drop everything drop ARP's cousin of IPv6 too, and then nothing of
    theirs could be tried. No address of the machine's is in reach: a namespace has no link but these.
    """
    server, client = Namespace(), Namespace()
    people = Namespace() if office else None
    try:
        await server.must(["ip", "-batch", "-"], _server(interfaces, via, targets, client))
        await client.must(["ip", "-batch", "-"], _client(via, office or LINK4[1], sources))
        if office and people:
            await masquerade(client, people, via)
        yield Hosts(server, client, people)
    finally:
        for namespace in (server, client, people):
            if namespace:
                namespace.close()


def _server(interfaces: Sequence[str], via: str, targets: Sequence[str], client: Namespace) -> str:
    lines = ["link set lo up"]
    for number, name in enumerate(interfaces):
        mac, other = (
            (MACS[0], MACS[1])
            if name == via
            else (f"02:00:00:01:00:{number:02x}", f"02:00:00:02:00:{number:02x}")
        )
        lines.append(
            f"link add {name} address {mac} type veth peer name {name} address {other} netns {client.path}"
        )
        lines.append(f"link set {name} addrgenmode none up")
    for address in [LINK4[0], *(target for target in targets if ":" not in target)]:
        lines.append(f"addr add {address}/32 dev {via}")
    for address in [LINK6[0], *(target for target in targets if ":" in target)]:
        lines.append(f"addr add {address}/128 dev {via} nodad")
    lines += [
        f"neigh replace {address} lladdr {MACS[1]} dev {via} nud permanent"
        for address in (LINK4[1], LINK6[1])
    ]
    lines += [
        f"route add default via {LINK4[1]} dev {via} onlink",
        f"route add default via {LINK6[1]} dev {via} onlink",
    ]
    return "\n".join(lines) + "\n"


def _client(via: str, address: str, sources: Sequence[str]) -> str:
    lines = ["link set lo up", f"link set {via} addrgenmode none up"]
    lines += [f"addr add {address}/32 dev {via}", f"addr add {LINK6[1]}/128 dev {via} nodad"]
    lines += [
        f"neigh replace {address} lladdr {MACS[0]} dev {via} nud permanent"
        for address in (LINK4[0], LINK6[0])
    ]
    lines += [
        f"route add default via {LINK4[0]} dev {via} onlink",
        f"route add default via {LINK6[0]} dev {via} onlink",
        *(f"route add local {net} dev lo" for net in sources),
    ]
    return "\n".join(lines) + "\n"
