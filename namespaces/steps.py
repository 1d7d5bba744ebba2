"""What a scenario does, step by step, as data from the laboratory: each step is a function of its own fields."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from namespaces import loading
from namespaces.dialling import burst, dial, late, rate, retry
from namespaces.discovery import discover
from namespaces.netns import CommandFailed
from namespaces.office import people_dial
from namespaces.rule_list import rules
from namespaces.scene import Scene, Step
from namespaces.server import Server
from namespaces.talk import say

JIFFIES = 0.050  # seconds: more than three jiffies also with HZ=100, so that what was closed is no longer counted (C09)
TRACK = "table inet connlab_track { chain in { type filter hook prerouting priority -150; ct state new; }; }"


async def load(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Load the rules, and trace from then on, but not if `untraced`: a trace slows dials down."""
    await loading.must_load(scene.hosts.server, step["texts"])
    if step.get("untraced"):
        return {}
    scene.trace = await loading.watch(scene.hosts.server, scene.request["interfaces"], step["texts"])
    return {}


async def mark(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Insert rules that decide nothing, so that a trace shows who comes that far.

    All of a tool at once; if it does not take them, then one by one, of each the first text that its tool takes.
    """
    for marks in step["marks"]:
        if await _takes(scene, marks["all"]):
            continue
        for choices in marks["each"]:
            for text in choices:
                if await _takes(scene, text):
                    break
    return {}


async def _takes(scene: Scene, text: dict[str, str]) -> bool:
    try:
        await loading.must_load(scene.hosts.server, [text])
    except CommandFailed:
        return False
    return True


async def places(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """List every rule that is there now, in the order of its chain."""
    return {"places": rules(await scene.hosts.server.nft(loading.LIST))}


async def track(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Let conntrack know every connection of the server from now on, as it does where any rule asks it."""
    await scene.hosts.server.nft(TRACK)
    return {}


async def listen(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Listen on the server's ports; on the client's too if it is to be dialled."""
    scene.listening |= set(step["ports"])
    scene.servers.append(Server(scene.hosts.server, step["ports"], step["backlog"]))
    if step.get("outgoing"):
        scene.servers.append(Server(scene.hosts.client, step["ports"], step["backlog"]))
    return {}


async def close(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Close the first `count` connections of a group, in order; all without a count."""
    group = scene.groups.get(step["group"], [])
    for each in group[: step.get("count", len(group))]:
        each.close()
    del group[: step.get("count", len(group))]
    await asyncio.sleep(JIFFIES)
    return {}


async def pause(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Let some time pass, as the scenario asks for it."""
    await asyncio.sleep(step["seconds"])
    return {}


STEPS: Mapping[str, Step] = {
    function.__name__: function
    for function in (
        load, mark, places, track, listen, dial, late, burst, say, close, retry, rate, pause, people_dial,
        discover,
    )
}  # fmt: skip
