"""`talk`: requests and their answers over connections that are held."""

from __future__ import annotations

from client.answers import Talked
from client.commands.held import Held, choose
from client.histogram import percentile
from client.messages import BadRequest
from client.protocol import Talk
from client.request_plan import RequestPlan
from client.round_trips import RoundTrips

_PERCENTILES = {"p50": 50, "p99": 99, "p99_9": 99.9}


def talk(held: Held, request: Talk) -> Talked:
    """Talk over connections, by default one request over each; one that fails takes no more part, and stays held."""
    chosen = choose(held, request.conns, talking=True)
    if not chosen:
        raise BadRequest("conns: no connection is held to talk over; the verb open makes them")
    most = request.count
    if most is None and request.duration_ms is None:
        most = len(chosen)
    duration_ns = None if request.duration_ms is None else request.duration_ms * 1_000_000
    plan = RequestPlan(most, duration_ns, request.rate, request.timeout_ms * 1_000_000)
    trips = RoundTrips(chosen, b"x" * request.bytes, plan)
    seconds = trips.run() / 1e9
    unsent = 0 if plan.planned is None else plan.planned - trips.begun
    failed: list[dict[str, object]] = [{"conn": conn, "why": why} for conn, why in trips.failed.items()]
    times = sorted(trips.times.items())
    return Talked(trips.begun, trips.answered, unsent, failed, seconds, _latency(trips), times)


def _latency(trips: RoundTrips) -> dict[str, int] | None:
    if not trips.times:
        return None
    times = {name: percentile(trips.times, percent) for name, percent in _PERCENTILES.items()}
    return {**{name: min(each, trips.longest_ns) for name, each in times.items()}, "max": trips.longest_ns}
