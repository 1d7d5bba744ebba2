"""`make speed`: connections a second, ours beside a C program that does the same and nothing else (bench/pair.c).

Connect, one byte each way, close; one at a time and 64 in flight; closed with RST, with FIN, or with FIN and only when
the other side's has come, as the agent does. Each end is tried beside each other's, over this machine's loopback, in
turn: what else the machine does meets all of them.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench import history, loopback, machine, report
from bench import speed_ends as ends
from bench.guard import guarded
from connlab.base.settings import HOME
from connlab.cli.show.terminal import console, new_table

ROUNDS = 3
PORTS = {"C": 17_901, **loopback.PORTS}
HOW = {"rst": "RST", "fin": "FIN", "awaited": "FIN awaited"}  # of pair.c
KINDS = [(how, in_flight) for how in HOW for in_flight in (1, 64)]


class Rate(NamedTuple):
    """Connections a second between a client and a server, by how each was closed and how many were in flight."""

    client: str
    server: str
    how: str
    in_flight: int
    per_second: float
    ratio: float  # to the C client and the C server: median of the rounds' own ratios
    user_us: float  # of the client's, for each connection
    system_us: float


def main() -> None:
    """Measure, keep it in runs/, and print a table. Raises `NotFit` without a C compiler."""
    rates, load = _measure(), os.getloadavg()[0]
    document = {"unit": "connections/s", "load": load, "rates": [rate._asdict() for rate in rates]}
    path = report.save(document, "speed")
    _show(rates)
    ratios = {f"{rate.client}, {rate.server}, {rate.how}, {rate.in_flight}": rate.ratio for rate in rates}
    for fall in history.keep("speed", ratios, "more", machine.own_facts()):
        print(f"fell: {fall.text()}")
    print(f"speed: loopback, load {load:.1f}; all of it is in {path.relative_to(HOME)}", file=sys.stderr)


def _measure() -> list[Rate]:
    samples: dict[tuple[str, str, str, int], list[ends.Sample]] = {}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        program = ends.compiled(folder)
        stack.enter_context(loopback.running([str(program), "serve", str(PORTS["C"])], {}))
        for mode in loopback.PORTS:
            stack.enter_context(loopback.server(mode))
        clients = {"C": ends.c_client(program), "agent": stack.enter_context(ends.agent(folder))}
        for name, port in PORTS.items():
            loopback.wait_for_listener(name, port)
        for number in range(ROUNDS):
            print(f"speed: round {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)
            for how, in_flight in KINDS:
                for server, port in PORTS.items():
                    for client, dial in clients.items():
                        if client == "C" or how in ends.AGENTS:
                            sample = dial(port, how, in_flight)
                            samples.setdefault((client, server, how, in_flight), []).append(sample)
    return [Rate(*key, *_medians(each, samples["C", "C", *key[2:]])) for key, each in samples.items()]


def _medians(samples: list[ends.Sample], base: list[ends.Sample]) -> tuple[float, float, float, float]:
    rate, user_us, system_us = (median(each) for each in zip(*samples, strict=True))
    ratio = median(a.per_second / b.per_second for a, b in zip(samples, base, strict=True))
    return rate, ratio, user_us, system_us


def _show(rates: list[Rate]) -> None:
    table = new_table("client", "server", *(f">{HOW[how]}, {in_flight}" for how, in_flight in KINDS))
    by_pair: dict[tuple[str, str], dict[tuple[str, int], Rate]] = {}
    for rate in rates:
        by_pair.setdefault((rate.client, rate.server), {})[rate.how, rate.in_flight] = rate
    for pair, cells in by_pair.items():
        table.add_row(*pair, *(_cell(cells.get(kind)) for kind in KINDS))
    console().print(table)


def _cell(rate: Rate | None) -> str:
    """Return the rate, its ratio, and what a connection costs its client, its own code and the kernel for it."""
    if rate is None:
        return ""
    return f"{rate.per_second:,.0f}/s  {rate.ratio:.2f}\n{rate.user_us:.0f}+{rate.system_us:.0f} us"


if __name__ == "__main__":
    sys.exit(guarded("speed", main))
