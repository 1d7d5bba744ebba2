"""The scenarios, as data for namespaces/steps.py: each on fresh hosts with freshly loaded rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connlab.trial.plan import BEYOND, Plan, Row, request

HELD = 8  # connections that are older than the rules
OUTGOING = 12  # dials of the server's own, beside its limit
LATE = 1.3  # seconds: a SYN is repeated after one
RATE_FOR = 2.0  # seconds

Request = dict[str, Any]


def _load(plan: Plan) -> Request:
    return {"do": "load", "texts": list(plan.texts)}


def _dial(row: Row, count: int, source: str = "", port: int = 0, **more: Any) -> Request:
    return {
        "do": "dial",
        "routes": [[source or row.source, row.target, port or row.port]],
        "count": count,
        **more,
    }


def limit(plan: Plan, row: Row) -> Request:
    """Dial from one source until ten after the last that got in; those in then say something."""
    steps = [
        _load(plan),
        _dial(row, plan.cap, beyond=BEYOND, late=LATE, group="in"),
        {"do": "say", "group": "in", "segments": True},
    ]
    return request(plan, row, steps, [row.source])


def freeing(plan: Plan, row: Row, limit: int | None) -> Request:
    """Fill the limit, close one and dial one more; then close all and dial all again."""
    count = plan.cap if limit is None else limit
    again = count if limit is None else limit + BEYOND
    route = [[row.source, row.target, row.port]]
    steps = [
        _load(plan), _dial(row, count, group="in"), {"do": "close", "group": "in", "count": 1},
        {"do": "retry", "routes": route, "group": "in", "patience": plan.patience},
        {"do": "close", "group": "in"}, _dial(row, again, group="in"),
    ]  # fmt: skip
    return request(plan, row, steps, [row.source])


def all_closed(plan: Plan, row: Row, limit: int) -> Request:
    """Fill the limit and go beyond, close all, wait 5 s, dial once more: who is refused then is banned."""
    steps = [_load(plan), _dial(row, limit + BEYOND, group="in"), {"do": "close", "group": "in"},
             {"do": "pause", "seconds": plan.patience}, _dial(row, 1, group="in")]  # fmt: skip
    return request(plan, row, steps, [row.source])


def neighbours(plan: Plan, row: Row, limit: int, sources: Mapping[int, str]) -> Request:
    """Fill the limit from the first source; then one dial from each neighbour."""
    routes = [[source, row.target, row.port] for source in sources.values()]
    steps = [
        _load(plan),
        _dial(row, limit, group="in"),
        {"do": "dial", "routes": routes, "count": len(routes), "group": "others"},
    ]
    return request(plan, row, steps, [row.source, *sources.values()])


def two_more(plan: Plan, row: Row, limit: int, sources: Sequence[str]) -> Request:
    """Fill the limit from the first source; then the others dial as often as it may, and ten more."""
    steps = [_load(plan), _dial(row, limit, group="in")]
    steps += [_dial(row, limit + BEYOND, source, group=source) for source in sources]
    return request(plan, row, steps, [row.source, *sources])


def ports(plan: Plan, row: Row, first: int, count: int, other: int) -> Request:
    """Hold `count` connections on the port `first`, then dial `other` from the same source."""
    steps = [
        _load(plan),
        _dial(row, count, port=first, group="in"),
        _dial(row, plan.cap, port=other, beyond=BEYOND, group="other"),
    ]
    return request(plan, row, steps, [row.source])


def live(plan: Plan, row: Row, *, tracked: bool) -> Request:
    """Hold connections that are older than the rules, load these, and let each say something."""
    before = [{"do": "track"}] if tracked else []
    steps = [*before, _dial(row, HELD, group="old"), _load(plan), {"do": "say", "group": "old"}]
    return request(plan, row, steps, [row.source])


def burst(plan: Plan, row: Row, limit: int | None) -> Request:
    """Make the sockets first, connect them back to back."""
    count = plan.cap if limit is None else limit + BEYOND
    steps = [_load(plan), {"do": "burst", "routes": [[row.source, row.target, row.port]], "count": count}]
    return request(plan, row, steps, [row.source])


def rate(plan: Plan, row: Row) -> Request:
    """Open and close for two seconds; never is more than one open."""
    steps = [_load(plan), {"do": "rate", "routes": [[row.source, row.target, row.port]], "seconds": RATE_FOR}]
    return request(plan, row, steps, [row.source])


def loopback(plan: Plan, row: Row, limit: int | None) -> Request:
    """Dial from the server itself, over loopback."""
    address = "127.0.0.1" if row.family == 4 else "::1"
    count = HELD if limit is None else limit + BEYOND
    steps = [
        _load(plan),
        {"do": "dial", "routes": [[address, address, row.port]], "count": count, "outgoing": True},
    ]
    return request(plan, row, steps, [row.source])


def outgoing(plan: Plan, row: Row, limit: int | None) -> Request:
    """Let the server dial out, to a port that the rules do not name."""
    count = OUTGOING + (limit or 0)
    route = [row.target, row.source, plan.unnamed]
    steps = [_load(plan), {"do": "dial", "routes": [route], "count": count, "outgoing": True}]
    return request(plan, row, steps, [row.source])


def reach(plan: Plan, row: Row, places: Sequence[Sequence[Any]]) -> Request:
    """Dial once with a counter before each limiting rule, to see how far a SYN of the row comes."""
    steps = [_load(plan), {"do": "mark", "before": [list(place) for place in places]}, _dial(row, 1)]
    return request(plan, row, steps, [row.source])
