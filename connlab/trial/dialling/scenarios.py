"""The scenarios, as data for namespaces/steps.py: each on fresh hosts with freshly loaded rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connlab.trial.dialling.plan import BEYOND, Plan, Row, request

HELD = 8  # connections at least that are older than the rules
ABOVE = 3  # of them above the limit
OUTGOING = 12  # dials of the server's own, beside its limit
LEAST_BURST = 20
BURSTS, FAR_BEYOND = ("first", "second", "third"), 25  # more than a kernel forgets at once, which is 9
LATE = 1.3  # seconds: a SYN is repeated after one
RATE_FOR = 2.0  # seconds
BETWEEN = 0.5  # seconds from the end of a burst to what comes then
ALONE_FOR, ALONE_GAP = 1.0, 0.030  # seconds; a connection that closed is no longer counted at the next dial
CROWD_GAP = 0.002  # seconds: each source dials once

LOOPBACK = {4: "127.0.0.1", 6: "::1"}

Request = dict[str, Any]


def _load(plan: Plan) -> Request:
    return {"do": "load", "texts": list(plan.texts)}


def _dial(row: Row, count: int, source: str = "", port: int = 0, **more: Any) -> Request:
    return {
        "do": "dial", "routes": [[source or row.source, row.target, port or row.port]], "count": count, **more,
    }  # fmt: skip


def limit(plan: Plan, row: Row, mark: Request, *, segments: bool) -> Request:
    """Dial from one source until ten after the last that got in; those in say something; what repeated SYNs get.

    With `segments` some say much more, at once.
    """
    steps = [
        _load(plan), mark, {"do": "places"}, _dial(row, plan.cap, beyond=BEYOND, hang=True, group="in"),
        {"do": "say", "group": "in", "segments": segments}, {"do": "late", "seconds": LATE},
    ]  # fmt: skip
    return request(plan, row, steps, [row.source])


def freeing(plan: Plan, row: Row, limit: int) -> Request:
    """Fill the limit, close one and dial one more; then go beyond, close all and dial all again."""
    steps = [
        _load(plan), _dial(row, limit, group="in"), {"do": "close", "group": "in", "count": 1},
        {"do": "retry", "routes": [[row.source, row.target, row.port]], "group": "in", "patience": plan.patience},
        _dial(row, BEYOND, group="in", name="beyond"),
        {"do": "close", "group": "in"}, _dial(row, limit + BEYOND, group="in", name="again"),
    ]  # fmt: skip
    return request(plan, row, steps, [row.source])


def all_closed(plan: Plan, row: Row, limit: int) -> Request:
    """Fill the limit and go beyond, close all, wait 5 s, dial once more: who is refused then is banned."""
    steps = [_load(plan), _dial(row, limit + BEYOND, group="in"), {"do": "close", "group": "in"},
             {"do": "pause", "seconds": plan.patience}, _dial(row, 1, name="after")]  # fmt: skip
    return request(plan, row, steps, [row.source])


def neighbours(plan: Plan, row: Row, limit: int, sources: Mapping[int, str]) -> Request:
    """Fill the limit from the first source; then one dial from each neighbour."""
    routes = [[source, row.target, row.port] for source in sources.values()]
    steps = [
        _load(plan), _dial(row, limit, group="in"),
        {"do": "dial", "routes": routes, "count": len(routes), "name": "others"},
    ]  # fmt: skip
    return request(plan, row, steps, [row.source, *sources.values()])


def two_more(plan: Plan, row: Row, limit: int, sources: Mapping[str, str]) -> Request:
    """Fill the limit from the first source; then the others dial as often as it may, and ten more."""
    steps = [_load(plan), _dial(row, limit, group="in")]
    steps += [_dial(row, limit + BEYOND, source, name=name) for name, source in sources.items()]
    return request(plan, row, steps, [row.source, *sources.values()])


def held(plan: Plan, row: Row, port: int, count: int) -> Request:
    """Hold `count` connections on another port, then dial this one from the same source."""
    steps = [_load(plan), _dial(row, count, port=port, group="in", name="held"),
             _dial(row, plan.cap, beyond=BEYOND)]  # fmt: skip
    return request(plan, row, steps, [row.source])


def live(plan: Plan, row: Row, limit: int | None, *, tracked: bool) -> Request:
    """Hold connections that are older than the rules, load these, and let each say something."""
    before = [{"do": "track"}] if tracked else []
    count = max(HELD, (limit or 0) + ABOVE)
    steps = [*before, _dial(row, count, group="old"), _load(plan), {"do": "say", "group": "old"}]
    return request(plan, row, steps, [row.source])


def burst(plan: Plan, row: Row, limit: int | None) -> Request:
    """Make the sockets first, connect them back to back."""
    count = plan.cap if limit is None else max(LEAST_BURST, limit + BEYOND)
    steps = [_load(plan), {"do": "burst", "routes": [[row.source, row.target, row.port]], "count": count}]
    return request(plan, row, steps, [row.source])


def bursts(plan: Plan, row: Row, limit: int) -> Request:
    """Make three bursts, all closed in between, then dial one at a time.

    Some kernels let nobody in any more who made a burst, until it dials alone (docs/kernel.md, "Epochs"). They show it
    where many SYNs come within a jiffy, so nothing is traced: that would be too slow on an emulated processor.
    """
    routes = [[row.source, row.target, row.port]]
    burst = {"do": "burst", "routes": routes, "count": limit + FAR_BEYOND, "group": "in"}
    closed: list[Request] = [{"do": "close", "group": "in"}, {"do": "pause", "seconds": BETWEEN}]
    steps: list[Request] = [{**_load(plan), "untraced": True}]
    for name in BURSTS:
        steps += [{**burst, "name": name}, *closed]
    steps.append({"do": "rate", "routes": routes, "seconds": ALONE_FOR, "gap": ALONE_GAP, "name": "alone"})
    return request(plan, row, steps, [row.source])


def rate(plan: Plan, row: Row) -> Request:
    """Open and close for two seconds; never is more than one open."""
    steps = [_load(plan), {"do": "rate", "routes": [[row.source, row.target, row.port]], "seconds": RATE_FOR}]
    return request(plan, row, steps, [row.source])


def loopback(plan: Plan, row: Row, limit: int | None) -> Request:
    """Dial from the server itself, over loopback, where a count is exact also soon after another dial (C26).

    The server accepts between them: who finds its queue full was refused by no rule. With a limit all are closed and
    made once more: what a kernel remembers of those that were refused takes places (docs/kernel.md, "Epochs").
    """
    count = 2 if limit is None else limit + BEYOND
    address = LOOPBACK[row.family]
    dials = {**_quickly([[address, address, row.port]] * count), "outgoing": True, "group": "own"}
    steps = [_load(plan), dials]
    if limit:
        steps += [
            {"do": "close", "group": "own"},
            {"do": "pause", "seconds": BETWEEN},
            {**dials, "name": "again"},
        ]
    return request(plan, row, steps, [row.source])


def outgoing(plan: Plan, row: Row, limit: int | None, wanted: int) -> Request:
    """Let the server dial out, as often as `wanted` at least; then its peer dials in, ten times more than it may."""
    count = max(wanted, 2 if limit is None else OUTGOING + limit)
    steps = [_load(plan), {
        "do": "dial", "routes": [[row.target, row.source, row.port]], "count": count, "outgoing": True, "name": "out",
    }]  # fmt: skip
    steps += [_dial(row, limit + BEYOND, name="in")] if limit else []
    return request(plan, row, steps, [row.source])


def crowd(plan: Plan, row: Row, limit: int, sources: Sequence[str], newcomer: str) -> Request:
    """Fill a set with sources, each with one connection; then a new source dials as often as one may, and ten more."""
    routes = [[source, row.target, row.port] for source in sources]
    steps = [
        _load(plan),
        {"do": "dial", "routes": routes, "count": len(routes), "gap": CROWD_GAP, "name": "crowd"},
        _dial(row, limit + BEYOND, newcomer, name="newcomer"),
    ]
    return request(plan, row, steps, [*sources, newcomer])


def undecided(plan: Plan, rows: Sequence[Row], texts: Sequence[Mapping[str, str]], count: int) -> Request:
    """Dial all rows of a family and interface where no rule decides anything, and out, and over loopback."""
    row, address = rows[0], LOOPBACK[rows[0].family]
    ports = [port for port in dict.fromkeys(each.port for each in rows) for _ in range(count)]
    steps: list[Request] = [
        {"do": "load", "texts": list(texts)},
        {"do": "places"},
        _quickly([[each.source, each.target, each.port] for each in rows for _ in range(count)]),
        {**_quickly([[row.target, row.source, port] for port in ports]), "outgoing": True, "name": "out"},
        {**_quickly([[address, address, port] for port in ports]), "outgoing": True, "name": "loopback"},
    ]
    return request(plan, row, steps, list(dict.fromkeys(each.source for each in rows)))


def _quickly(routes: Sequence[Sequence[Any]]) -> Request:
    return {"do": "dial", "routes": routes, "count": len(routes), "gap": CROWD_GAP}
