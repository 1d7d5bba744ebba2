"""An office: people with addresses of their own behind a router, so that a server sees one source."""

from __future__ import annotations

import asyncio
from typing import Any

from namespaces.dial import Dial
from namespaces.route import Route
from namespaces.scene import Scene

FIRST_PERSON = 0x0A550100  # 10.85.1.0, of the net behind the router
FIRST_PORT = 20_000  # a port for each dial, so that the router has no reason to give it another
GAP, LEAST_GAP = (
    0.020,
    0.012,
)  # seconds from dial to dial; who is late catches up by three jiffies each (HZ=250)


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
