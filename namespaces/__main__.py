"""Requests and answers as JSON lines on standard input and output; scenarios run side by side.

`{"id": 1, "do": "scenario", ...}` and `{"id": 2, "do": "load", ...}` are answered with `{"id": 1, ...}`; what fails
with `{"id": 1, "error": "..."}`. `python3 -m namespaces [SCENARIOS]`: so many side by side.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from namespaces import cost, loading, nft, scenario, script, sysctls
from namespaces.hosts import hosts
from namespaces.root import become_root

SIDE_BY_SIDE = 40  # they wait more than they work


async def load(request: dict[str, Any]) -> dict[str, Any]:
    """Load texts on a host that has nothing yet; what the tools said, and what is in force then."""
    async with hosts(request["interfaces"], request["interfaces"][0], []) as pair:
        results = await loading.load(pair.server, request["texts"])
        return {"results": results, "listing": await loading.listing(pair.server)}


async def set_sysctls(request: dict[str, Any]) -> dict[str, Any]:
    """Set kernel settings on the server of a scenario; the errors in words, by path."""
    async with hosts(request["interfaces"], request["via"], request["targets"]) as pair:
        return {"refused": sysctls.write_all(pair.server, request["sysctls"])}


REQUESTS: dict[str, Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]] = {
    "cost": cost.cost,
    "load": load,
    "scenario": scenario.run,
    "sysctls": set_sysctls,
    "script": script.run,
}


async def answer(request: dict[str, Any], places: asyncio.Semaphore) -> None:
    """Do what a request asks for and print its answer; an error is an answer too."""
    async with places:
        try:
            reply = await REQUESTS[request["do"]](request)
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps({"id": request["id"], **reply}), flush=True)


async def main(side_by_side: int) -> None:
    """Serve standard input until it ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 26)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    places = asyncio.Semaphore(side_by_side)
    tasks = set()
    while line := await reader.readline():
        task = asyncio.create_task(answer(json.loads(line), places))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


if __name__ == "__main__":
    become_root()
    nft.process()
    print('{"ready": true}', flush=True)
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else SIDE_BY_SIDE))
