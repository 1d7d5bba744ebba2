"""A router that masquerades: whoever is behind it has addresses that no server sees."""

from __future__ import annotations

from namespaces import rtnetlink
from namespaces.netns import Namespace

INSIDE = "office0"
MACS = ("02:00:00:03:00:01", "02:00:00:03:00:02")  # of the router, of the people
NET = "10.85.0.0/16"  # behind the router, as in most offices (RFC 1918): no server ever sees it
ROUTER, PEOPLE = "10.84.0.1", "10.84.0.2"  # of the link between; outside of NET, all of which is the people's
MASQUERADE = f"""table ip office {{
  chain out {{ type nat hook postrouting priority 100; ip saddr {NET} masquerade; }}
}}
"""


async def masquerade(router: Namespace, people: Namespace, via: str) -> None:
    """Make a host, which is joined to the server by `via`, the router of the people. Raises `CommandFailed`."""
    rtnetlink.tell(router, [rtnetlink.veth(INSIDE, *MACS, people)])
    link, inside = router.index(INSIDE), people.index(INSIDE)
    rtnetlink.tell(router, [
        *rtnetlink.up(link), rtnetlink.address(ROUTER, link), rtnetlink.behind(f"{PEOPLE}/32", link),
        rtnetlink.gateway(PEOPLE, link, NET),
    ])  # fmt: skip
    rtnetlink.tell(people, [
        rtnetlink.loopback_up(), *rtnetlink.up(inside), rtnetlink.address(PEOPLE, inside),
        rtnetlink.gateway(ROUTER, inside), rtnetlink.own(NET),
    ])  # fmt: skip
    rtnetlink.tell(router, [rtnetlink.ready(link)])
    with router.entered(), open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as file:
        file.write("1")
    await router.nft(MASQUERADE)
