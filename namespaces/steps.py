"""What a scenario does, step by step, as data from the laboratory: each step is a function of its own fields."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from namespaces import loading
from namespaces.dial import Dial, Route, echo
from namespaces.hosts import Hosts, owned
from namespaces.netns import Namespace
from namespaces.office import people_dial
from namespaces.server import Server
from namespaces.trace import Trace

JIFFIES = 0.050  # seconds: more than three jiffies also with HZ=100, so that what was closed is no longer counted (C09)
TRACK = "table inet connlab_track { chain in { type filter hook prerouting priority -150; ct state new; }; }"
SEGMENTS, SEGMENT_GAP = 200, 0.005  # in a second
TALKERS = 5  # connections that say so much at once
RETRY_EVERY = 0.25  # seconds


class Scene:
    """The hosts of a scenario and what has happened on them so far."""

    def __init__(self, hosts: Hosts, request: dict[str, Any]) -> None:
        self.hosts, self.request = hosts, request
        self.groups: dict[str, list[Dial]] = {}
        self.dials: list[Dial] = []
        self.icmp: dict[Namespace, list[int]] = {}
        self.trace: Trace | None = None
        self.servers: list[Server] = []

    def dial(self, source: str, to: str, port: int, *, outgoing: bool = False) -> Dial:
        """Make a dial, from the client's side or from the server's own."""
        namespace = self.hosts.server if outgoing else self.hosts.client
        dial = Dial(namespace, Route(source, to, port), self.icmp.setdefault(namespace, []))
        self.dials.append(dial)
        return dial

    def close(self) -> None:
        """End all that was started."""
        for dial in self.dials:
            dial.abort()
        for server in self.servers:
            server.close()
        if self.trace:
            self.trace.close()


async def load(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Load the rules, and trace from then on."""
    await loading.must_load(scene.hosts.server, step["texts"])
    scene.trace = await loading.watch(scene.hosts.server)
    return {}


async def mark(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Insert a counter before each of some rules, so that a trace shows who comes that far; returns their handles."""
    handles = []
    for family, table, chain, handle in step["before"]:
        said = await scene.hosts.server.must(
            ["nft", "-e", "-a", "insert", "rule", family, table, chain, "position", str(handle), "counter"]
        )
        handles.append(int(said.rsplit("# handle ", 1)[1].split()[0]))
    return {"handles": handles}


async def track(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Let conntrack know every connection of the server from now on, as it does where any rule asks it."""
    await scene.hosts.server.must(["nft", TRACK])
    return {}


async def listen(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Listen on the server's ports; on the client's too if it is to be dialled."""
    scene.servers.append(Server(scene.hosts.server, step["ports"], step["backlog"]))
    if step.get("outgoing"):
        scene.servers.append(Server(scene.hosts.client, step["ports"], step["backlog"]))
    return {}


async def own(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Make every address of these nets the client's own."""
    await scene.hosts.client.must(["ip", "-batch", "-"], "".join(map(owned, step["nets"])))
    return {}


async def dial(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Dial, 20 ms from start to start, `count` times, or to `beyond` dials after the first that did not get in."""
    first = len(scene.dials)
    group = scene.groups.setdefault(step.get("group", ""), [])
    routes = step["routes"]  # source, target, port of each dial; the last is repeated
    made: list[Dial] = []
    for number in range(step["count"]):
        if "beyond" in step and (limit := _limit(made)) is not None and len(made) >= limit + step["beyond"]:
            break
        made.append(scene.dial(*routes[min(number, len(routes) - 1)], outgoing=step.get("outgoing", False)))
        made[-1].start()
        await asyncio.sleep(step.get("gap", 0.020))
    for each in made:
        await each.decided
    if step.get("late"):
        await _late(made, step["late"])
    group += [each for each in made if each.letter == "E"]
    for each in made:
        if each.letter != "E" and not step.get("late"):
            each.close()
    return {"dials": [first, len(scene.dials)]}


def _limit(dials: list[Dial]) -> int | None:
    """How many dials got in before the first that did not; None if all that is known did."""
    return next((number for number, each in enumerate(dials) if each.letter not in ("", "E")), None)


async def _late(dials: list[Dial], seconds: float) -> None:
    """Wait for what repeated SYNs get, and stop those that still hang."""
    deadline = asyncio.get_running_loop().time() + seconds
    while any(each.letter == "T" and not each.late for each in dials):
        if asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(0.05)
    for each in dials:
        if each.letter == "T":
            each.abort()


async def burst(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Make the sockets first, then connect them back to back."""
    first = len(scene.dials)
    made = [scene.dial(*step["routes"][0]) for _ in range(step["count"])]
    for each in made:
        each.start()
    for each in made:
        await each.decided
    return {"dials": [first, len(scene.dials)]}


async def say(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Each connection of a group says one byte, then some say 200 segments in a second.

    A letter for each connection and part: e it came back, r reset, t nothing.
    """
    group = scene.groups.get(step["group"], [])
    one = ""
    for each in group:
        one += await echo(each, b"x", step.get("within", 1.0))
    talkers = [each for each, letter in zip(group, one, strict=True) if letter == "e"][:TALKERS]
    many = await asyncio.gather(*map(_segments, talkers)) if step.get("segments") else []
    return {"one": one, "segments": "".join(many)}


async def _segments(dial: Dial) -> str:
    """Say 200 segments in a second; e if all came back within two more."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(SEGMENTS * SEGMENT_GAP + 2):
            for _ in range(SEGMENTS):
                dial.sock.send(b"x")
                await asyncio.sleep(SEGMENT_GAP)
            left = SEGMENTS
            while left:
                got = await loop.sock_recv(dial.sock, left)
                if not got:
                    return "r"
                left -= len(got)
    except TimeoutError:
        return "t"
    except OSError:
        return "r"
    return "e"


async def close(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Close the first `count` connections of a group, in order; all without a count."""
    group = scene.groups.get(step["group"], [])
    for each in group[: step.get("count", len(group))]:
        each.close()
    del group[: step.get("count", len(group))]
    await asyncio.sleep(JIFFIES)
    return {}


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
    """Open and close, one after another, for some seconds; how many of each letter."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + step["seconds"]
    counts = dict.fromkeys("EDRT", 0)
    first = len(scene.dials)
    while loop.time() < ends:
        made = scene.dial(*step["routes"][0])
        made.start()
        counts[await made.decided] += 1
        made.close()
        await asyncio.sleep(step.get("gap", 0.005))
    return {"counts": counts, "dials": [first, len(scene.dials)]}


async def pause(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Let some time pass, as the scenario asks for it."""
    await asyncio.sleep(step["seconds"])
    return {}


STEPS: dict[str, Callable[[Scene, dict[str, Any]], Awaitable[dict[str, Any]]]] = {
    function.__name__: function
    for function in (load, mark, track, listen, own, dial, burst, say, close, retry, rate, pause, people_dial)
}
