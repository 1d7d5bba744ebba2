"""Processes that a signal to this one ends, with all that they started, before this one ends by an exception."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_running: set[subprocess.Popen[bytes]] = set()


def run_to_end(argv: Sequence[str], given: bytes = b"", **options: Any) -> tuple[int, bytes]:
    """Run a process out of reach of Ctrl-C; return its exit status and what came from a pipe, an error before all.

    `given` is written to its input, if that is a pipe; `options` are those of subprocess.Popen.

    Compose 1 prints a traceback or `Aborting`, and ends with another status. In a session of its own it has no
    terminal to be interrupted from; whatever ends us by an exception ends it, and all that it started, before.
    """
    with (
        signals_as_exceptions() as begin,
        subprocess.Popen(argv, start_new_session=True, **options) as process,
    ):
        _running.add(process)
        try:
            begin()
            said, error = process.communicate(given)
        except BaseException:
            _end(process)
            raise
        finally:
            _running.discard(process)
    return process.returncode, error or said or b""


def end_all() -> None:
    """End those that other threads run, where no signal arrives, with all that they started."""
    for process in tuple(_running):
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def signals_as_exceptions() -> Iterator[Callable[[], None]]:
    """Make SIGINT, SIGTERM and SIGHUP (a closed terminal) raise what ends the lab with a shell's exit status.

    But only once the function that this yields was called: one that came while the process was being started would
    leave it behind. A signal that was ignored stays so.
    """
    arrivals: list[int] = []
    starts: list[bool] = []

    def leave(number: int, frame: FrameType | None) -> None:
        arrivals.append(number)
        if starts:
            before = handlers[signal.Signals(number)]
            if callable(before):  # Python's own for Ctrl-C, or that of who called us
                before(number, frame)
            raise SystemExit(128 + number)

    def begin() -> None:
        starts.append(True)
        if arrivals:
            leave(arrivals[0], None)

    is_main = threading.current_thread() is threading.main_thread()  # another one may not set handlers
    signals = [number for number in ENDING if is_main and signal.getsignal(number) != signal.SIG_IGN]
    handlers = {number: signal.signal(number, leave) for number in signals}
    try:
        yield begin
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
