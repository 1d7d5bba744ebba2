"""How Compose is ended, as far as that needs no Compose."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from connlab.base.wait import until
from connlab.cluster import subprocesses

HOME = Path(__file__).parents[4]
CALL = """import signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # else under nohup(1) it would stay ignored, as it should
from connlab.cli.main import guarded
from connlab.cluster import subprocesses
sys.exit(guarded(lambda: subprocesses.run_to_end(sys.argv[1:])))
"""
# Complains as Compose 1 does, and has a child of its own, as the plugin is one of `docker`.
COMPLAINING = 'trap "echo Traceback >&2; exit 1" INT TERM HUP; sleep 60 & echo $! $$; wait'


@pytest.mark.parametrize(
    ("number", "status", "words"),
    [(signal.SIGINT, 130, "lab: interrupted\n"), (signal.SIGTERM, 143, ""), (signal.SIGHUP, 129, "")],
)
def test_who_interrupts_the_lab_ends_compose_too(number: signal.Signals, status: int, words: str) -> None:
    """A signal to all of a terminal's foreground: our own exit status and words, and no process is left."""
    with subprocess.Popen(
        [sys.executable, "-c", CALL, "bash", "-c", COMPLAINING],
        cwd=HOME, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as lab:  # fmt: skip
        processes = [int(word) for word in lab.stdout.readline().split()]
        os.killpg(lab.pid, number)
        _, error = lab.communicate(timeout=30)
    assert (lab.returncode, error) == (status, words)
    until(lambda: not any(map(_is_running, processes)), "Compose and its child have ended", within=10)


def test_what_compose_says_is_handed_on() -> None:
    """The control: without a signal its status is ours to see, its output is there, its error is read from a pipe."""
    assert subprocesses.run_to_end(["sh", "-c", "echo why >&2; exit 7"], stderr=subprocess.PIPE) == (
        7,
        b"why\n",
    )
    assert subprocesses.run_to_end(["sh", "-c", "kill -PIPE $$"]) == (-signal.SIGPIPE, b"")


def _is_running(process: int) -> bool:
    """Return whether a process is there and no zombie (proc_pid_stat(5))."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
