"""One scenario: fresh hosts, its steps, and what the witnesses saw."""

from __future__ import annotations

from collections import Counter
from typing import Any

from namespaces import sysctls
from namespaces.dial import Dial
from namespaces.hosts import hosts
from namespaces.loading import LIST
from namespaces.rule_list import rules
from namespaces.scene import Scene
from namespaces.steps import STEPS
from namespaces.trace import ENDS, OURS, STARTS, Paths, Trace
from namespaces.trace_events import Event, Tuple4


async def run(request: dict[str, Any]) -> dict[str, Any]:
    """Run the steps on hosts of their own: each step's result, every dial, the ways that SYNs took, the counters.

    A dial is [letter, refusal, late, its SYNs at the server, the answers to them, in order], each of these an index
    into `paths`; a path is [whether it came through, events]. `counters`: rules that counted packets. `hits`: how many
    of the other packets that were looked at matched a rule, or a policy dropped (handle 0). `lost`: our own counters
    counted more than the trace has.
    """
    async with hosts(
        request["interfaces"],
        request["via"],
        request["targets"],
        request.get("office"),
        request.get("sources", ()),
        strangers=request.get("strangers", False),
    ) as pair:
        sysctls.write_all(pair.server, request.get("sysctls", {}))
        scene = Scene(pair, request)
        try:
            results = [await STEPS[step["do"]](scene, step) for step in request["steps"]]
            scene.hang_up()
            trace = scene.trace
            before = _started(trace)
            seen = dials(scene.dials, trace)  # no rule's counter has less: a SYN may come before it is read
            listed = rules(await pair.server.nft(LIST))
            after = _started(trace)
            return {
                "results": results, **seen, "counters": [each for each in listed if each[4] and each[1] != OURS],
                "hits": [[*event[:4], count] for event, count in _sample(trace).items()],
                "lost": bool(trace and trace.lost) or not within(before, counted(listed), after),
            }  # fmt: skip
        finally:
            scene.close()


def _started(trace: Trace | None) -> dict[str, int]:
    """Tell how many SYNs and answers to SYNs the trace has by now, by the chain where they began."""
    if not trace:
        return {}
    trace.read()
    return dict(trace.started)


def within(before: dict[str, int], counters: dict[str, int], after: dict[str, int]) -> bool:
    """Compare the counters with the trace just before and just after they were read: a SYN may come any time."""
    return all(before[chain] <= counters.get(chain, 0) <= after[chain] for chain in before)


def _sample(trace: Trace | None) -> Counter[Event]:
    """Count how many of the other packets that were looked at matched each rule of theirs, or a policy dropped."""
    return Counter(event for event in trace.sample if _tells(event)) if trace else Counter()


def _tells(event: Event) -> bool:
    judges = event.kind == "rule" or (event.kind == "policy" and event.verdict == "drop")
    return judges and event.table != OURS


def counted(listed: list[list[Any]]) -> dict[str, int]:
    """Return how many SYNs and answers to SYNs our own first chains counted."""
    return {
        chain: packets
        for _, table, chain, _, packets in listed
        if table == OURS and chain in STARTS and packets
    }


def dials(made: list[Dial], trace: Trace | None) -> dict[str, Any]:
    """Return each dial with its ways, and the ways.

    Of the server's own to itself nothing is known whose address changed before it came back in (DNAT in OUTPUT).
    """
    paths: dict[tuple[bool, tuple[Event, ...]], int] = {}

    def indices(found: Paths, four: Tuple4, end: str) -> list[int]:
        ways = []
        for events in found.get(four, []):
            if events and end == "arrived" and (events[-1].table, events[-1].chain) == (OURS, "left"):
                continue
            through = any(event.table == OURS and event.chain == end for event in events)
            way = (through, tuple(event for event in events if event.table != OURS))
            ways.append(paths.setdefault(way, len(paths)))
        return ways

    told = []
    for dial in made:
        local = dial.outgoing and dial.route.source == dial.route.target
        reverse = (*dial.four[2:], *dial.four[:2])
        coming, going = ("arrived", "arrived") if local else ("left", "arrived") if dial.outgoing else ENDS
        syns = indices(trace.syns, dial.four, coming) if trace else []
        answers = indices(trace.answers, reverse, going) if trace else []
        told.append([dial.letter, dial.refusal, dial.late, syns, answers])
    return {"dials": told, "paths": [[through, list(map(list, way))] for through, way in paths]}
