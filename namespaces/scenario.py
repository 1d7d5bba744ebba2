"""One scenario: fresh hosts, its steps, and what the witnesses saw."""

from __future__ import annotations

from typing import Any

from namespaces import sysctls
from namespaces.hosts import hosts
from namespaces.steps import STEPS, Scene
from namespaces.trace import Event


async def run(request: dict[str, Any]) -> dict[str, Any]:
    """Run the steps on hosts of their own: each step's result, every dial, the paths that SYNs took, the counters.

    A dial is [letter, refusal, late, paths of its SYNs at the server, in order]; a path is an index into `paths`.
    """
    async with hosts(
        request["interfaces"], request["via"], request["targets"], request.get("office")
    ) as pair:
        sysctls.write_all(pair.server, request.get("sysctls", {}))
        scene = Scene(pair, request)
        try:
            results = [await STEPS[step["do"]](scene, step) for step in request["steps"]]
            if scene.trace:
                scene.trace.read()
            answer = {"results": results, **_dials(scene), "lost": bool(scene.trace and scene.trace.lost)}
            answer["nft"] = await pair.server.must(["nft", "-a", "list", "ruleset"])
        finally:
            scene.close()
    return answer


def _dials(scene: Scene) -> dict[str, Any]:
    paths: dict[tuple[Event, ...], int] = {}
    dials = []
    for dial in scene.dials:
        seen = scene.trace.packets.get(dial.four, []) if scene.trace else []
        indices = [paths.setdefault(tuple(events), len(paths)) for events in seen]
        dials.append([dial.letter, dial.refusal, dial.late, indices])
    return {"dials": dials, "paths": [list(map(list, path)) for path in paths]}
