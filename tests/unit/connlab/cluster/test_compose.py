"""How Compose is called, as far as that needs no Compose."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from connlab.base.wait import until
from connlab.cluster import compose, subprocesses

HOME = Path(__file__).parents[4]
CALL = """import sys
from connlab.cli.main import guarded
from connlab.cluster import subprocesses
sys.exit(guarded(lambda: subprocesses.run_to_end(sys.argv[1:])))
"""
# Complains as Compose 1 does, and has a child of its own, as the plugin is one of `docker`.
COMPLAINING = 'trap "echo Traceback >&2; exit 1" INT TERM HUP; sleep 60 & echo $! $$; wait'


@pytest.mark.parametrize(
    ("python", "quick"),
    [("python3.9", True), ("python3.11", True), ("python3.12", False), ("pypy3.11", False)],
)
def test_setuptools_stays_out_where_python_has_distutils(tmp_path: Path, python: str, quick: bool) -> None:
    """Until 3.11; a later Python has none but that of setuptools, without which Compose 1 does not start."""
    (tmp_path / python).touch()
    (tmp_path / "python3").symlink_to(python)
    script = tmp_path / "docker-compose"
    script.write_text(f"#!{tmp_path}/python3\n# EASY-INSTALL-ENTRY-SCRIPT: 'docker-compose==1.29.2'\n")
    assert compose.quicker(script) == ({"SETUPTOOLS_USE_DISTUTILS": "stdlib"} if quick else {})


@pytest.mark.parametrize(
    "program", [b"\x7fELF\x02\x01\x01", b"#!/usr/bin/env python3\n", b"#!/bin/sh\nexec docker compose", b""]
)
def test_a_program_that_says_nothing_of_its_python_is_left_alone(tmp_path: Path, program: bytes) -> None:
    """The standalone binary, a wrapper, a script for whichever Python comes first."""
    script = tmp_path / "docker-compose"
    script.write_bytes(program)
    assert compose.quicker(script) == {}


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
    until(lambda: not any(map(_lives, processes)), "Compose and its child have ended", within=10)


def test_what_compose_says_is_handed_on() -> None:
    """The control: without a signal its status is ours to see, its output is there, its error is read from a pipe."""
    assert subprocesses.run_to_end(["sh", "-c", "echo why >&2; exit 7"], stderr=subprocess.PIPE) == (
        7,
        b"why\n",
    )
    assert subprocesses.run_to_end(["sh", "-c", "kill -PIPE $$"]) == (-signal.SIGPIPE, b"")


def _lives(process: int) -> bool:
    """Whether a process is there and no zombie (proc_pid_stat(5))."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
