"""`make speed`: connections a second, ours beside a C program that does the same and nothing else (bench/pair.c).

Connect, one byte each way, close; one at a time and 64 in flight; closed with RST or FIN. Each end is tried beside each
other's, over this machine's loopback, in turn: what else the machine does meets all of them.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench import report
from bench.guard import guarded
from connlab.base import settings
from connlab.base.errors import LabError, NotFit
from connlab.base.settings import HOME
from connlab.base.wait import until
from connlab.cli.show.terminal import console, new_table
from connlab.cluster import host_files

ROUNDS, SECONDS = 3, 1.0
PORTS = {"C": 17_901, "prefork": 17_902, "selectors": 17_903}
KINDS = [(how, in_flight) for how in ("rst", "fin") for in_flight in (1, 64)]
CALIBRATE, MOST = 300, 20_000  # connections of a first try; what the agent takes in one request
COMPILERS = ("cc", "gcc", "clang")
READY = 10.0  # seconds for a server to listen

Dial = Callable[[int, str, int], float]  # port, how, in flight: connections a second


class Rate(NamedTuple):
    """Connections a second between a client and a server, by how each was closed and how many were in flight."""

    client: str
    server: str
    how: str
    in_flight: int
    per_second: float
    ratio: float  # to the C client and the C server: median of the rounds' own ratios


def main() -> None:
    """Measure, keep it in runs/, and print a table. Raises `NotFit` without a C compiler."""
    rates, load = _measure(), os.getloadavg()[0]
    document = {"unit": "connections/s", "load": load, "rates": [rate._asdict() for rate in rates]}
    path = report.save(document, "speed")
    _show(rates)
    print(f"speed: loopback, load {load:.1f}; all of it is in {path.relative_to(HOME)}", file=sys.stderr)


def _measure() -> list[Rate]:
    samples: dict[tuple[str, str, str, int], list[float]] = {}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        program = _compiled(folder)
        stack.enter_context(_running([str(program), "serve", str(PORTS["C"])], {}))
        for mode in ("prefork", "selectors"):
            stack.enter_context(_running(_python("-m", "server.serve", "-1"), _server(mode)))
        clients = {"C": _c_client(program), "agent": stack.enter_context(_agent(folder))}
        for port in PORTS.values():
            until(lambda port=port: _listens(port), f"a server listens on {port}", READY)  # type: ignore[misc]
        for number in range(ROUNDS):
            print(f"speed: round {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)
            for how, in_flight in KINDS:
                for server, port in PORTS.items():
                    for client, dial in clients.items():
                        rate = dial(port, how, in_flight)
                        samples.setdefault((client, server, how, in_flight), []).append(rate)
    return [
        Rate(
            *key, median(each), median(a / b for a, b in zip(each, samples["C", "C", *key[2:]], strict=True))
        )
        for key, each in samples.items()
    ]


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def _compiled(folder: Path) -> Path:
    """Compile the C program. Raises `LabError` if there is no compiler, or it fails."""
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        raise NotFit(
            "no C compiler, so nothing to measure beside",
            next_step="apt-get install gcc libc6-dev",
        )
    program = folder / "pair"
    result = subprocess.run(
        [compiler, "-O2", "-o", str(program), str(HOME / "bench/pair.c")],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise LabError(f"{compiler}: exit status {result.returncode}", result.stderr.strip())
    return program


def _c_client(program: Path) -> Dial:
    def dial(port: int, how: str, in_flight: int) -> float:
        argv = [str(program), "dial", "127.0.0.1", str(port), str(SECONDS), str(in_flight), how]
        result = subprocess.run(argv, capture_output=True, text=True, check=False)
        if result.returncode:
            raise LabError(f"pair dial: {result.stderr.strip()}")
        done, seconds = result.stdout.split()
        return int(done) / float(seconds)

    return dial


@contextlib.contextmanager
def _agent(folder: Path) -> Iterator[Dial]:
    """Run the agent of a client host; its `churn` is what dials."""
    environment = {"CONNLAB_TURN": str(folder / "turn"), "CONNLAB_SERVER": "127.0.0.1"}
    with subprocess.Popen(
        _python("-m", "client.agent", "--stop-at-close"), cwd=HOME, env=environment, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert process.stdin and process.stdout
        requests, answers = process.stdin, process.stdout
        answers.readline()

        def churn(port: int, how: str, in_flight: int, count: int) -> float:
            request = {"id": 1, "verb": "churn", "host": "127.0.0.1", "port": port, "count": count, "how": how,
                       "in_flight": in_flight, "message": "x"}  # fmt: skip
            requests.write(json.dumps(request).encode() + b"\n")
            requests.flush()
            answer: Mapping[str, Any] = json.loads(answers.readline())
            if not answer["ok"] or answer["tally"] != {"established": count}:
                raise LabError(f"churn: {answer}")
            return count / float(answer["seconds"])

        def dial(port: int, how: str, in_flight: int) -> float:
            rate = churn(port, how, in_flight, CALIBRATE)
            return churn(port, how, in_flight, min(MOST, int(rate * SECONDS)))

        yield dial
        requests.close()


def _server(mode: str) -> dict[str, str]:
    now = settings.read({}).changed(SERVER_MODE=mode, LISTEN="127.0.0.1", PORT=PORTS[mode], EVENTS="summary")
    return {
        **now.values,
        **host_files.environment(now, "server"),
        "CONNLAB_STATUS": f"connlab-speed-{os.getpid()}-{mode}",
    }


@contextlib.contextmanager
def _running(argv: list[str], environment: Mapping[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        argv, cwd=HOME, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
        if process.poll() is not None:
            raise LabError(f"{argv}: it ended by itself, with {process.returncode}")
    finally:
        process.terminate()
        process.wait()


def _python(*arguments: str) -> list[str]:
    return [sys.executable, "-S", "-E", *arguments]


def _show(rates: list[Rate]) -> None:
    table = new_table("client", "server", *(f">{how.upper()}, {in_flight}" for how, in_flight in KINDS))
    by_pair: dict[tuple[str, str], dict[tuple[str, int], Rate]] = {}
    for rate in rates:
        by_pair.setdefault((rate.client, rate.server), {})[rate.how, rate.in_flight] = rate
    for pair, cells in by_pair.items():
        table.add_row(*pair, *(f"{cells[kind].per_second:,.0f}/s  {cells[kind].ratio:.2f}" for kind in KINDS))
    console().print(table)


if __name__ == "__main__":
    sys.exit(guarded("speed", main))
