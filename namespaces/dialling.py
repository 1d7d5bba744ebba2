"""Steps that dial: paced, all at once, until one gets in, open and close."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from namespaces.dial import WINDOW, Dial
from namespaces.scene import Scene

GAP = 0.020  # seconds from start to start
LEAST_GAP = (
    0.012  # three jiffies (HZ=250): who is late does not catch up faster, so a count is exact (C09, J01)
)
MONOTONIC_COARSE = 6  # linux/time.h: a clock that the kernel sets at each tick
LEAST, LONGER = 30, 4.0  # dials, seconds
RETRY_EVERY = 0.25  # seconds


async def dial(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Dial, 20 ms from start to start, `count` times, or to `beyond` dials after the first that did not get in.

    Those in are held as `group`; the others are given up, but not with `hang`: then their SYNs are repeated.
    """
    loop = asyncio.get_running_loop()
    first = len(scene.dials)
    routes = step["routes"]  # source, target, port of each dial; the last is repeated
    gap = step.get("gap", GAP)
    due, made = loop.time(), list[Dial]()
    for number in range(step["count"]):
        if "beyond" in step and await _beyond(made, step["beyond"]):
            break
        made.append(scene.dial(*routes[min(number, len(routes) - 1)], outgoing=step.get("outgoing", False)))
        made[-1].start()
        due += gap
        await asyncio.sleep(max(due - loop.time(), min(gap, LEAST_GAP)))
    for each in made:
        await each.decided
    hold(scene, step.get("group", ""), made, hang=step.get("hang", False))
    return {"dials": [first, len(scene.dials)]}


def hold(scene: Scene, group: str, dials: list[Dial], *, hang: bool = False) -> None:
    """Hold those in as a group, and give up the others, but not if they are to hang."""
    held = scene.groups.setdefault(group, [])
    held += [each for each in dials if each.letter == "E"]
    for each in dials:
        if each.letter != "E" and not hang:
            each.close()


async def _beyond(dials: list[Dial], many: int) -> bool:
    """Tell whether so many dials came after the first that did not get in; waits for that one if it is not decided."""
    while True:
        first = next((each for each in dials if each.letter != "E"), None)
        if first is None or len(dials) < dials.index(first) + many:
            return False
        if await first.decided != "E":
            return True


async def late(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Wait for what repeated SYNs get, `seconds` from the last dial on, and give up those that still hang."""
    loop = asyncio.get_running_loop()
    hanging = [each for each in scene.dials if each.letter == "T"]
    ends = max((each.started for each in hanging), default=0) + step["seconds"]
    while loop.time() < ends and not all(each.late for each in hanging):
        await asyncio.sleep(0.05)
    for each in hanging:
        each.abort()
    return {}


async def burst(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Make the sockets first, then connect them back to back, from the beginning of a jiffy on.

    Of a `group` those in are held, and the others given up. `took_ms` is from the first to the last.
    """
    first = len(scene.dials)
    outgoing = step.get("outgoing", False)
    made = [scene.dial(*step["routes"][0], outgoing=outgoing) for _ in range(step["count"])]
    jiffy = time.clock_gettime(MONOTONIC_COARSE)
    while time.clock_gettime(MONOTONIC_COARSE) == jiffy:
        pass
    for each in made:
        each.send()
    for each in made:
        each.watch()
    for each in made:
        await each.decided
    await asyncio.sleep(WINDOW)  # one that is established may still end
    if "group" in step:
        hold(scene, step["group"], made)
    took = made[-1].started - made[0].started
    return {"dials": [first, len(scene.dials)], "took_ms": round(took * 1000, 1)}


async def retry(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Dial until one gets in; after how many seconds, 0 if it was the first, None if none did within the patience."""
    loop = asyncio.get_running_loop()
    began, first = loop.time(), len(scene.dials)
    while True:
        at = loop.time() - began
        made = scene.dial(*step["routes"][0])
        made.start()
        letter = await made.decided
        if letter == "E":
            scene.groups.setdefault(step["group"], []).append(made)
            tries = len(scene.dials) - first
            return {"seconds": 0 if tries == 1 else round(at, 2), "dials": [first, len(scene.dials)]}
        made.close()
        if loop.time() - began > step["patience"]:
            return {"seconds": None, "dials": [first, len(scene.dials)]}
        await asyncio.sleep(RETRY_EVERY)


async def rate(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Open and close, one after another, for some seconds, on a busy machine longer; never is more than one open."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + step["seconds"]
    first = len(scene.dials)
    while loop.time() < ends or (len(scene.dials) - first < LEAST and loop.time() < ends + LONGER):
        made = scene.dial(*step["routes"][0])
        made.start()
        await made.decided
        made.close()
        await asyncio.sleep(step.get("gap", 0.005))
    return {"dials": [first, len(scene.dials)]}
