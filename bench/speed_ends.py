"""The ends that `make speed` tries: the program in C, and the agent of a client host."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from bench import loopback
from connlab.base.errors import LabError, NotFit
from connlab.base.settings import HOME

SECONDS = 1.0  # of one measurement
CALIBRATE, MOST = 300, 20_000  # connections of a first try; of a measurement by the agent
COMPILERS = ("cc", "gcc", "clang")
AGENTS = {"rst": "rst", "awaited": "fin"}  # how pair.c closes, and what the agent's churn calls that
TICK = os.sysconf("SC_CLK_TCK")


class Sample(NamedTuple):
    """Connections a second, and what each cost the processor in its client: µs of its own, and of the kernel for it.

    The agent's own have what it writes to its log in them, some 5 µs, which is after the seconds that are measured.
    """

    per_second: float
    user_us: float
    system_us: float


Dial = Callable[[int, str, int], Sample]  # port, how, in flight


def compiled(folder: Path) -> Path:
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


def c_client(program: Path) -> Dial:
    def dial(port: int, how: str, in_flight: int) -> Sample:
        argv = [str(program), "dial", "127.0.0.1", str(port), str(SECONDS), str(in_flight), how]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = subprocess.run(argv, capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if result.returncode:
            raise LabError(f"pair dial: {result.stderr.strip()}")
        done, seconds = result.stdout.split()
        user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
        return Sample(int(done) / float(seconds), *(each * 1e6 / int(done) for each in (user, system)))

    return dial


@contextlib.contextmanager
def agent(folder: Path) -> Iterator[Dial]:
    """Run the agent of a client host; its `churn` is what dials."""
    with loopback.agent(folder) as (ask, pid):

        def churn(port: int, how: str, in_flight: int, count: int) -> float:
            answer = ask(
                "churn", host="127.0.0.1", port=port, count=count, how=how, in_flight=in_flight, message="x"
            )
            if answer["tally"] != {"established": count}:
                raise LabError(f"churn: {answer}")
            return count / float(answer["seconds"])

        def dial(port: int, how: str, in_flight: int) -> Sample:
            rate = churn(port, AGENTS[how], in_flight, CALIBRATE)
            count, before = min(MOST, int(rate * SECONDS)), _ticks(pid)
            rate = churn(port, AGENTS[how], in_flight, count)
            spent = (after - b for b, after in zip(before, _ticks(pid), strict=True))
            return Sample(rate, *(ticks / TICK * 1e6 / count for ticks in spent))

        yield dial


def _ticks(pid: int) -> list[int]:
    """Return the processor time of a process, its own and the kernel's (proc_pid_stat(5))."""
    fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
    return [int(fields[11]), int(fields[12])]
