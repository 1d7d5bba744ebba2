"""The hosts of a scenario: a server with an interface for each name that the rules use, and a client behind one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from namespaces import rtnetlink
from namespaces.netns import CommandFailed, Namespace
from namespaces.router import masquerade
from namespaces.rtnetlink import Message

# The link of the client that dials: whoever is asked for by the rules has another address (sources, targets).
LINK4 = ("192.0.0.9", "192.0.0.10")  # server, client: of 192.0.0.0/24, which no network uses (RFC 6890)
LINK6 = ("2001:db8:ffff:fffe::9", "2001:db8:ffff:fffe::a")
OWN6 = ("fe80::9", "fe80::a")  # from which who does not know a neighbour asks for it (RFC 4861, 7.2.2)
LOCAL_WITHIN = 20.0  # seconds for a route of type local; it took 30 ms at most
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
    *,
    strangers: bool = False,
) -> AsyncIterator[Hosts]:
    """Make the hosts of a scenario, joined; gone on the way out. `office` is the address of its router.

    Every address of `targets` is the server's, and of the nets `sources` the client's (AnyIP).

    Neighbours are permanent, because rules that drop everything drop ARP's cousin of IPv6 too, and then nothing of
    theirs could be tried; but `strangers` have to ask for each other. No address of the machine's is in reach: a
    namespace has no link but these.
    """
    server, client = Namespace(), Namespace()
    people = Namespace() if office else None
    try:
        rtnetlink.tell(server, [rtnetlink.loopback_up(), *_links(interfaces, via, client)])
        links = [server.index(name) for name in interfaces]
        own = OWN6 if strangers else ()
        of_server, of_client = (
            (LINK4[0], LINK6[0], *own[:1], *targets),
            (office or LINK4[1], LINK6[1], *own[1:]),
        )
        rtnetlink.tell(server, _server(links, server.index(via), of_server, strangers))
        rtnetlink.tell(client, _client(client.index(via), of_client, sources, strangers))
        rtnetlink.tell(server, [rtnetlink.ready(server.index(via))])
        await _wait_until_local(server, server.index(via), of_server)
        await _wait_until_local(client, client.index(via), of_client)
        if office and people:
            await masquerade(client, people, via)
        yield Hosts(server, client, people)
    finally:
        for namespace in (server, client, people):
            if namespace:
                namespace.close()


async def _wait_until_local(host: Namespace, link: int, addresses: Sequence[str]) -> None:
    """Wait until a link's addresses of IPv6 have their routes. Raises `CommandFailed` after LOCAL_WITHIN seconds."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + LOCAL_WITHIN
    for address in (each for each in addresses if ":" in each):
        while not rtnetlink.is_local(host, address, link):
            if loop.time() > ends:
                raise CommandFailed(f"{address} has no local route {LOCAL_WITHIN:g} s after it was given")
            await asyncio.sleep(0.001)


def _links(interfaces: Sequence[str], via: str, client: Namespace) -> list[Message]:
    """Join the two by a link for each name; by that of `via` the other end is known."""
    macs = [
        (f"02:00:00:01:00:{number:02x}", f"02:00:00:02:00:{number:02x}") for number in range(len(interfaces))
    ]
    return [
        rtnetlink.veth(name, *(MACS if name == via else others), client)
        for name, others in zip(interfaces, macs, strict=True)
    ]


def _server(links: Sequence[int], via: int, addresses: Sequence[str], strangers: bool) -> list[Message]:
    messages = [message for link in links for message in rtnetlink.up(link)]
    messages += [rtnetlink.address(address, via) for address in addresses]
    return [*messages, *_to(via, MACS[1], (LINK4[1], LINK6[1]), strangers)]


def _client(via: int, addresses: Sequence[str], sources: Sequence[str], strangers: bool) -> list[Message]:
    messages = [rtnetlink.loopback_up(), *rtnetlink.up(via)]
    messages += [rtnetlink.address(address, via) for address in addresses]
    messages += _to(via, MACS[0], (LINK4[0], LINK6[0]), strangers)
    return [*messages, *map(rtnetlink.own, sources)]


def _to(link: int, mac: str, addresses: Sequence[str], strangers: bool) -> list[Message]:
    """Send everything to the other end of a link, which is known for good, if the two are no strangers."""
    known = [] if strangers else [rtnetlink.neighbour(address, mac, link) for address in addresses]
    return [*known, *(rtnetlink.gateway(address, link) for address in addresses)]
