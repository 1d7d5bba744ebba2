"""`make hold`: what it costs to establish a connection and hold it, by how many the server holds already.

A dense lab with `prefork`, and a limit that nobody reaches; all clients dial at a time, up to each number in turn.
Times are the agents' own, from the first SYN to the end of the last handshake.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from bench import history, report, sandbox
from bench.guard import guarded
from connlab.actions.scale_together import together
from connlab.agent.session import Agent, agents
from connlab.base.errors import LabError, NotFit
from connlab.base.model import Attempt, Outcome, tally
from connlab.base.settings import HOME, Settings
from connlab.cli.show.terminal import console, new_table
from connlab.cluster import dense, engine, engine_machine, lifecycle
from connlab.cluster.host import Host
from connlab.evidence.charts import chart, curves

HELD = (10_000, 50_000, 100_000, 250_000)
CLIENTS, SOURCES, IN_FLIGHT = 16, 256, 16
FLAT = 1.2  # the dearest connection to the cheapest
CONNECTION_BYTES = 16 << 10  # both ends and what tracks it
# A worker may have 20,000 descriptors; one more than are needed, because they do not fill evenly.
KNOBS = {
    "CLIENTS": CLIENTS, "SOURCES_PER_CLIENT": SOURCES, "SERVER_MODE": "prefork", "WORKERS": 14, "EVENTS": "summary",
    "CONNLIMIT": 20_000,
}  # fmt: skip


class Held(NamedTuple):
    """So many connections held: what it took to come there from the number before."""

    held: int
    fresh: int
    seconds: float
    per_second: float
    us: float  # for each of the fresh ones
    server_bytes: float  # for each of the fresh ones, the kernel's memory too, as the cgroup counts it


def measure(lab: Settings, numbers: Sequence[int]) -> Iterator[Held]:
    """Bring a lab up and hold ever more. Raises `LabError` if a dial was not established, or the kernel has fewer."""
    server, *clients = lifecycle.up(lab)
    found = dense.of_lab(lab.project)
    assert found is not None, "its settings ask for a dense lab"
    blocks = [str(found.of(client.number)) for client in clients]
    with agents(clients) as opened:
        before, memory = 0, _memory(server)
        for held in numbers:
            print(f"hold: from {before:,} to {held:,}", file=sys.stderr, flush=True)
            seconds = _dial(opened, blocks, held - before, lab.port)
            if (sockets := _sockets(server)) < held:
                raise LabError(f"{held:,} were established, and the server's kernel has {sockets:,}")
            now = _memory(server)
            yield Held(
                held, held - before, round(seconds, 3), round((held - before) / seconds),
                round(seconds / (held - before) * 1e6, 1), round((now - memory) / (held - before)),
            )  # fmt: skip
            before, memory = held, now
        for agent in opened:
            agent.close(how="rst")


def _dial(opened: Sequence[Agent], blocks: Sequence[str], fresh: int, port: int) -> float:
    """Have all agents dial from one moment; the seconds until the last connection was there."""
    start = opened[0].facts().monotonic_ns + 500_000_000
    counts = [fresh // len(opened) + (number < fresh % len(opened)) for number in range(len(opened))]
    waits = [
        agent.start_open(count, sources=block, in_flight=IN_FLIGHT, at_ns=start, port=port, timeout_ms=20_000)
        for agent, block, count in zip(opened, blocks, counts, strict=True)
    ]
    with together(opened, waits) as futures:
        pass
    first, last = [], []
    for future in futures:
        attempts: list[Attempt] = future.result()
        if (outcomes := tally(attempts))[Outcome.ESTABLISHED] != len(attempts):
            raise LabError(f"of {len(attempts):,} dials of a client: {dict(outcomes)}")
        first.append(min(attempt.start_ns for attempt in attempts))
        last.append(max(attempt.start_ns + attempt.us * 1000 for attempt in attempts))
    return (max(last) - min(first)) / 1e9


def _sockets(server: Host) -> int:
    """Return how many TCP sockets the server's namespace has, its listener too."""
    match = re.search(r"^TCP: inuse (\d+)", server.run(["cat", "/proc/net/sockstat"]), re.MULTILINE)
    return int(match[1]) if match else 0


def _memory(server: Host) -> int:
    return int(engine.memory(server.id)["usage"])


def fitting(lab: Settings, numbers: Sequence[int]) -> list[int]:
    """Return the numbers that the engine's machine has room for. Raises `NotFit` if it has none."""
    memory, tracked = engine_machine.available_bytes(lab), engine_machine.conntrack_entries(lab)
    room = min(
        numbers[-1] if memory is None else memory // CONNECTION_BYTES,
        numbers[-1] if tracked is None else tracked - 16,
    )
    if fits := [number for number in numbers if number <= room]:
        return fits
    raise NotFit(
        f"there is room for {room:,} connections, and {numbers[0]:,} are the least",
        next_step="sysctl net.netfilter.nf_conntrack_max, and memory",
    )


def curve(rows: Sequence[Held]) -> dict[str, Any]:
    """Draw what a connection costs, by how many are held in the end."""
    return chart(
        family="hold",
        title="What it takes to establish a connection, by how many are held",
        note=f"{CLIENTS * SOURCES:,} sources on {CLIENTS} clients dial a prefork server, {IN_FLIGHT} at a time on each "
        "client; each point is the mean of those since the point before.",
        x="connections held",
        panels=[
            curves("µs for a connection", {"all clients together": [(row.held, row.us) for row in rows]})
        ],
    )


def main() -> None:
    """Measure, keep, print."""
    began = time.monotonic()
    with sandbox.projects(("hold",)) as labs:
        lab = labs["hold"].changed(**KNOBS)
        facts = engine_machine.described()
        rows = list(measure(lab, fitting(lab, HELD)))
    spread = round(max(row.us for row in rows) / min(row.us for row in rows), 2)
    falls = history.keep("hold", {"dearest to cheapest": spread}, "less", facts) if len(rows) > 1 else []
    folder = report.save_drawn(
        facts, "hold", curve(rows), seconds=round(time.monotonic() - began, 1), knobs=KNOBS, dearest_to_cheapest=spread,
        rows=[row._asdict() for row in rows],
    )  # fmt: skip
    _show(rows)
    print(f"dearest to cheapest {spread:.2f}; flat, ≤ {FLAT:g}: {'met' if spread <= FLAT else 'not met'}")
    for fall in falls:
        print(f"fell: {fall.text()}")
    print(
        f"hold: evidence: {folder.relative_to(HOME)}; drawn by `lab report runs/latest-hold`", file=sys.stderr
    )


def _show(rows: Sequence[Held]) -> None:
    table = new_table(">held", ">of them new", ">seconds", ">a second", ">µs each", ">server, bytes each")
    for row in rows:
        table.add_row(f"{row.held:,}", f"{row.fresh:,}", f"{row.seconds:.2f}", f"{row.per_second:,.0f}",
                      f"{row.us:,.0f}", f"{row.server_bytes:,.0f}")  # fmt: skip
    console().print(table)


if __name__ == "__main__":
    sys.exit(guarded("hold", main))
