"""An office: people with addresses of their own behind a router that masquerades, so that a server sees one source."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from namespaces.dial import Dial, Route

if TYPE_CHECKING:
    from namespaces.netns import Namespace
    from namespaces.scene import Scene

INSIDE = "office0"
NET = "10.85.0.0/16"  # behind the router, as in most offices (RFC 1918): no server ever sees it
ROUTER, PEOPLE = "10.84.0.1", "10.84.0.2"  # of the link between; outside of NET, all of which is the people's
FIRST_PERSON = 0x0A550100  # 10.85.1.0
FIRST_PORT = 20_000  # a port for each dial, so that the router has no reason to give it another
MASQUERADE = f"""table ip office {{
  chain out {{ type nat hook postrouting priority 100; ip saddr {NET} masquerade; }}
}}
"""
GAP, LEAST_GAP = (
    0.020,
    0.012,
)  # seconds from dial to dial; who is late catches up by three jiffies each (HZ=250)


async def masquerade(router: Namespace, people: Namespace, via: str) -> None:
    """Make a host, which is joined to the server by `via`, the router of the people. Raises `CommandFailed`."""
    inside = [
        f"link add {INSIDE} type veth peer name {INSIDE} netns {people.path}",
        f"link set {INSIDE} addrgenmode none up",
        f"addr add {ROUTER}/32 dev {INSIDE}",
        f"route add {PEOPLE}/32 dev {INSIDE}",
        f"route add {NET} via {PEOPLE} dev {INSIDE}",
    ]
    behind = [
        "link set lo up",
        f"link set {INSIDE} addrgenmode none up",
        f"addr add {PEOPLE}/32 dev {INSIDE}",
        f"route add default via {ROUTER} dev {INSIDE} onlink",
        f"route add local {NET} dev lo",
    ]
    await router.must(["ip", "-batch", "-"], "\n".join(inside) + "\n")
    await people.must(["ip", "-batch", "-"], "\n".join(behind) + "\n")
    with router.entered(), open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as file:
        file.write("1")
    await router.nft(MASQUERADE)


async def people_dial(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Let each of `people` dial once, 20 ms from start to start, and again, `each` times; who is in stays.

    Dials are in this order: the first of each person, the second of each, and so on. One that gets nothing is given up
    at the end of its window: a repeated SYN would come into the dials of others.
    """
    assert scene.hosts.people
    first = len(scene.dials)
    ends = []
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(step["people"] * step["each"]):
        source = _address(FIRST_PERSON + number % step["people"])
        made = Dial(scene.hosts.people, Route(source, step["target"], step["port"], FIRST_PORT + number))
        scene.dials.append(made)
        made.start()
        made.four = (scene.request["office"], *made.four[1:])  # as the server sees it
        ends.append(asyncio.ensure_future(_stay_if_in(made)))
        await asyncio.sleep(max(began + GAP * (number + 1) - loop.time(), LEAST_GAP))
    await asyncio.gather(*ends)
    return {"dials": [first, len(scene.dials)]}


async def _stay_if_in(dial: Dial) -> None:
    if await dial.decided != "E":
        dial.close()


def _address(number: int) -> str:
    return ".".join(str(number >> shift & 0xFF) for shift in (24, 16, 8, 0))
