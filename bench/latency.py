"""`make latency`: how long a request and its answer take, of our servers beside echo servers by asyncio and uvloop.

The agent's `talk` asks over 64 connections of this machine's loopback, each when it has its answer (closed loop),
then so many requests a second, whose times count from when each was due (open loop; no coordinated omission).
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench import history, loopback, machine, report
from bench.guard import guarded
from bench.loopback import Ask
from connlab.base.errors import LabError
from connlab.base.settings import HOME
from connlab.cli.show.terminal import console, new_table

PORTS = {**loopback.PORTS, "asyncio": 17_904, "uvloop": 17_905}
CONNECTIONS, ROUNDS, MILLISECONDS = 64, 3, 1000
RATE = 5_000  # requests a second of the open loop
# One process each, as asyncio and uvloop are: two workers beside the agent are three processes on two processors.
KNOBS: Mapping[str, Mapping[str, object]] = {"prefork": {"WORKERS": 1}}
LOOPS: Mapping[str, Mapping[str, int]] = {"closed": {}, "open": {"rate": RATE}}
PERCENTILES = ("p50", "p99", "p99_9", "max")


class Times(NamedTuple):
    """Of a server and a loop, medians of the rounds: answers a second, and percentiles in µs."""

    server: str
    loop: str
    per_second: float
    p50: float
    p99: float
    p99_9: float
    max: float


def main() -> None:
    """Measure, keep it in runs/, and print a table."""
    servers = [name for name in PORTS if name != "uvloop" or find_spec("uvloop")]
    rows = _measure(servers)
    absent = sorted(PORTS.keys() - set(servers))
    document: dict[str, Any] = {
        "connections": CONNECTIONS, "rate": RATE, "unit": "µs", "load": os.getloadavg()[0], "absent": absent,
        "rows": [row._asdict() for row in rows],
    }  # fmt: skip
    path = report.save(document, "latency")
    _show(rows)
    closed = {row.server: row.per_second for row in rows if row.loop == "closed"}
    if not absent:
        ratio = closed["prefork"] / closed["uvloop"]
        print(
            f"prefork answers {ratio:.2f} times as many as uvloop; ≥ 1: {'met' if ratio >= 1 else 'not met'}"
        )
        for fall in history.keep("latency", {"prefork to uvloop": ratio}, "more", machine.own_facts()):
            print(f"fell: {fall.text()}")
    for name in absent:
        print(f"note: {name} is not installed here, so it is not beside ours")
    print(
        f"latency: loopback, load {document['load']:.1f}; all of it is in {path.relative_to(HOME)}",
        file=sys.stderr,
    )


def _measure(servers: Sequence[str]) -> list[Times]:
    samples: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name in servers:
            stack.enter_context(_serving(name))
            loopback.wait_for_listener(name, PORTS[name])
        ask, _ = stack.enter_context(loopback.agent(folder))
        for number in range(ROUNDS):
            print(f"latency: round {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)
            for loop, fields in LOOPS.items():
                for name in servers:
                    samples.setdefault((name, loop), []).append(_talk(ask, PORTS[name], fields))
    return [_times(*key, answers) for key, answers in samples.items()]


def _talk(ask: Ask, port: int, fields: Mapping[str, int]) -> Mapping[str, Any]:
    """Open connections, talk over them, close them. Raises `LabError` if a request had no answer."""
    opened = ask("open", host="127.0.0.1", port=port, count=CONNECTIONS)
    answer = ask("talk", duration_ms=MILLISECONDS, **fields)
    ask("close", how="rst")
    if len(opened["attempts"]) != CONNECTIONS or answer["failed"] or answer["sent"] != answer["answered"]:
        raise LabError(f"talk to port {port}: {answer}")
    return answer


def _times(server: str, loop: str, answers: Sequence[Mapping[str, Any]]) -> Times:
    """Take the median round of each figure: one of a single round may be another process's."""
    cuts = [median(answer["latency_ns"][cut] for answer in answers) / 1000 for cut in PERCENTILES]
    rate = median(answer["answered"] / answer["seconds"] for answer in answers)
    return Times(server, loop, round(rate), *(round(cut, 1) for cut in cuts))


def _serving(name: str) -> contextlib.AbstractContextManager[None]:
    if name in loopback.PORTS:
        return loopback.server(name, **KNOBS.get(name, {}))
    return loopback.running([sys.executable, "-m", "bench.echo_server", name, str(PORTS[name])], {})


def _show(rows: Sequence[Times]) -> None:
    table = new_table("server", "loop", ">a second", ">p50, µs", ">p99", ">p99.9", ">longest")
    for row in rows:
        table.add_row(row.server, row.loop, *(f"{value:,.0f}" for value in (row.per_second, *row[3:])))
    console().print(table)


if __name__ == "__main__":
    sys.exit(guarded("latency", main))
