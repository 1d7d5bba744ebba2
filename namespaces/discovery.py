"""Whether the two ends of a link find each other: by neighbour solicitations of IPv6, by ARP requests of IPv4."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from namespaces import rtnetlink
from namespaces.hosts import LINK4, LINK6
from namespaces.netns import CommandFailed, Namespace
from namespaces.scene import Scene
from namespaces.trace import OURS

NONE, INCOMPLETE, FAILED = 0x00, 0x01, 0x20  # NUD_* of linux/neighbour.h
LOOK_EVERY = 0.05  # seconds
# What is asked and answered is followed from the first chain on, as SYNs are.
FOLLOW = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } meta nftrace set 1 accept"


async def discover(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Let one end ask for the other, on hosts that do not know each other: `of` the `server` or the `client`.

    Who is asked comes to know who asks, so the other way is for hosts of its own. `dropped` are [family, table, chain,
    handle] of what dropped a question or an answer at the server, the handle 0 for a policy.
    """
    server, client = scene.hosts.server, scene.hosts.client
    ends = LINK6 if step["family"] == 6 else LINK4
    await _follow(server)
    asking, asked = (client, ends[0]) if step["of"] == "server" else (server, ends[1])
    found = await _finds(asking, asked, scene.request["via"])
    if scene.trace:
        scene.trace.read()
    events = scene.trace.sample if scene.trace else []
    dropped = dict.fromkeys(event[:4] for event in events if event.verdict == "drop" and event.table != OURS)
    return {"found": found, "dropped": list(map(list, dropped))}


async def _follow(server: Namespace) -> None:
    await server.nft(f"insert rule inet {OURS} in {FOLLOW}\ninsert rule inet {OURS} out {FOLLOW}\n")
    with contextlib.suppress(CommandFailed):  # it is there where rules use that hook
        await server.nft(f"insert rule netdev {OURS} ingress {FOLLOW}\n")


async def _finds(namespace: Namespace, address: str, via: str) -> bool:
    """Tell whether an end is answered; the kernel asks three times, a second apart, before it gives up.

    What failed is soon forgotten (neigh_periodic_work in net/core/neighbour.c): an entry that is gone had failed.
    """
    index = namespace.index(via)
    rtnetlink.tell(namespace, [rtnetlink.ask_for(address, index)])
    while (state := rtnetlink.state_of(namespace, address, index)) == INCOMPLETE:
        await asyncio.sleep(LOOK_EVERY)
    return state not in (NONE, FAILED)
