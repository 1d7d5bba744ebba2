"""Which Compose starts sooner when setuptools stays out of its way: only one whose Python has distutils."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from connlab.cluster import subprocesses
from tests.support import compose_start
from tests.support.forked_compose import COMPOSE, PROGRAM, forked_compose
from tests.support.variations import then_variations

USED = {"stdin": subprocess.DEVNULL, "stderr": subprocess.PIPE}  # as the lab calls Compose


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
    assert compose_start.start_variables(script) == ({"SETUPTOOLS_USE_DISTUTILS": "stdlib"} if quick else {})


@pytest.mark.parametrize(
    "program", [b"\x7fELF\x02\x01\x01", b"#!/usr/bin/env python3\n", b"#!/bin/sh\nexec docker compose", b""]
)
def test_a_program_that_says_nothing_of_its_python_is_left_alone(tmp_path: Path, program: bytes) -> None:
    """The standalone binary, a wrapper, a script for whichever Python comes first."""
    script = tmp_path / "docker-compose"
    script.write_bytes(program)
    assert compose_start.start_variables(script) == {}


@pytest.fixture
def _compose_1() -> None:
    """Skip the test where Compose is none that is forked."""
    program = shutil.which(COMPOSE)
    if not (program and compose_start.start_variables(Path(program))):
        pytest.skip("no Compose 1 is installed, as a Python program")


@pytest.mark.parametrize(
    "arguments",
    then_variations(
        ["--file", "x.yaml", "config"],
        ["version"],
        ["-f", "nowhere.yaml", "up"],
        ["no-such-command"],
        ["up", "--nonsense"],
    ),
    ids=lambda arguments: arguments[-1],
)
@pytest.mark.usefixtures("_compose_1")
def test_a_fork_of_compose_says_what_a_started_one_says(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its exit status and both streams; the folder and the environment are the caller's."""
    monkeypatch.chdir(tmp_path)
    Path("x.yaml").write_text("services: {one: {image: '${WHICH}'}}\n")
    argv, environment = [COMPOSE, *arguments], {**os.environ, "WHICH": "other"}
    started = subprocess.run(
        argv, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    with forked_compose(), Path("out").open("w+b") as out:
        forked = subprocesses.run_to_end(argv, env=environment, stdout=out.fileno(), **USED)
        out.seek(0)
        assert (*forked, out.read()) == (started.returncode, started.stderr, started.stdout)
    assert started.stdout + started.stderr


@pytest.mark.usefixtures("_compose_1")
def test_one_compose_serves_many_calls_and_ends() -> None:
    """However many calls there are; it is gone after the block, and other programs are started as ever."""
    before = _forking_programs()
    with forked_compose():
        assert subprocesses.run_to_end(["sh", "-c", "exit 7"]) == (7, b"")
        assert _forking_programs() == before
        for _ in range(2):
            subprocesses.run_to_end([COMPOSE, "no-such-command"], env=os.environ, stdout=2, **USED)
            assert len(_forking_programs() - before) == 1
    assert _forking_programs() == before


def _forking_programs() -> set[str]:
    """Return the process ids of our children that fork Compose (proc_pid_cmdline(5))."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return {
        child for child in children if str(PROGRAM).encode() in Path("/proc", child, "cmdline").read_bytes()
    }
