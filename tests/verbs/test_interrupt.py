"""Interrupted, a verb or a test run takes away what it began, and touches nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from connlab.base import settings
from connlab.base.wait import until
from connlab.cluster import client_copies, hosts, images, lifecycle
from connlab.cluster.host import Host
from tests.support.laboratory import Lab, laboratory, own_settings, temporary_project
from tests.support.processes import lab_command
from tests.support.terminal import terminal

TESTS = """
from tests.support.laboratory import laboratory

def test_that_takes_long():
    with laboratory(CLIENTS=0) as lab:
        lab.server.run(["sleep", "60"])

def test_that_fails():
    with laboratory(CLIENTS=0):
        assert False
"""


@pytest.mark.variation
def test_a_test_run_leaves_nothing_and_the_users_lab_alone(trio: Lab, tmp_path) -> None:
    """Whether Ctrl-C, SIGTERM to pytest alone or a failure ends it: its own projects are gone, another lab runs on."""
    ends = ("ctrl-c", "kill", "a failing test")
    (tmp_path / "test_of_a_run.py").write_text(TESTS)
    with ThreadPoolExecutor(len(ends)) as pool:
        ends_of_runs = list(pool.map(lambda end: _test_run(end, tmp_path), ends))
    said = "".join((tmp_path / end).read_text() for end in ends)
    assert ends_of_runs == [(2, set()), (2, set()), (1, set())], said
    running = [host.id for host in hosts.find(trio.settings.project) if host.running]
    assert running == [host.id for host in (trio.server, *trio.clients)]


def _test_run(end: str, folder: Path) -> tuple[int, set[str]]:
    """Return the exit status of a test run that ends so, and the projects that are left of it."""
    which = "fails" if end == "a failing test" else "takes_long"
    plugins = ["-p", "no:cacheprovider", "-p", "tests.conftest"]
    argv = [sys.executable, "-m", "pytest", "-q", *plugins, "-k", which, str(folder)]
    with (
        (folder / end).open("w") as output,
        subprocess.Popen(
            argv, cwd=settings.HOME, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        ) as run,
    ):
        prefix = f"{settings.read().project}-test-{run.pid}-"
        if end != "a failing test":
            until(lambda: _has_server(f"{prefix}1"), "its server runs", within=60, every=0.1)
            os.killpg(run.pid, signal.SIGINT) if end == "ctrl-c" else run.terminate()
        return run.wait(timeout=60), hosts.projects(prefix)


def test_an_interrupted_up_leaves_no_half_lab() -> None:
    """Ctrl-C while a new lab comes up: exit 130, and no part of it is left."""
    lab_settings = own_settings(CLIENTS=5)
    images.ensure(lab_settings)  # which may take a minute, and leaves no host
    variables = {"COMPOSE_PROJECT_NAME": lab_settings.project, "CLIENTS": "5", "WORKLOAD": "idle"}
    argv = lab_command("up")
    with temporary_project(lab_settings):
        with subprocess.Popen(
            argv,
            cwd=settings.HOME,
            env={**os.environ, **variables},
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as up:
            until(lambda: hosts.find(lab_settings.project), "the first host is there", within=60, every=0.1)
            os.killpg(up.pid, signal.SIGINT)
            assert up.wait(timeout=60) == 130

        assert hosts.projects(lab_settings.project) == set()


def test_what_a_host_writes_is_not_obeyed(trio: Lab) -> None:
    """Control characters on a host's standard output, which no event has, are shown; on a terminal and in a pipe."""
    words = r"\033]0;owned\007\033[31m\342\200\256[bold]"
    trio.clients[2].run(["sh", "-c", f"printf '{words}end\\n' > /proc/1/fd/1"])
    for stdin in (None, ""):
        with terminal(trio, "logs", "--service", "client", stdin=stdin) as session:
            output = session.rest()
            assert session.status() == 0
        (line,) = {line for line in output.splitlines() if "owned" in line}
        assert line.endswith(r"| \x1b]0;owned\x07\x1b[31m\u202e[bold]end")
        assert all(character.isprintable() or character in "\r\n" for character in output)


def test_ctrl_c_ends_logs_quietly(trio: Lab) -> None:
    """`make logs F=1` at a terminal: exit 130, and neither Compose nor the lab has anything to say of it."""
    with terminal(trio, "logs", "--service", "server", "--follow") as session:
        session.until("ready")
        session.type("\x03")
        rest = session.rest()
        assert session.status() == 130
    assert [word for word in ("Traceback", "ERROR", "Abort", "lab:", "failed") if word in rest] == []


@pytest.mark.variation
def test_an_interrupted_scale_says_so_once() -> None:
    """Ctrl-C as hosts come, and as they leave: no word of Compose's, the server stays, and `scale` mends it."""
    with laboratory(CLIENTS=0) as lab:
        for goal, text, clients in (("4", "client", 2), ("0", "hosts leave", 1)):
            with terminal(lab, "scale", goal) as session:
                session.until(text)
                session.type("\x03")
                rest = session.rest()
                assert session.status() == 130, rest
            assert rest.count("lab: interrupted") == 1
            assert [word for word in ("Traceback", "ERROR", "Abort") if word in rest] == []
            (server,) = hosts.find(lab.settings.project, "server")
            assert (server.id, server.running) == (lab.server.id, True)
            assert len(lifecycle.scale(lab.settings, clients)) == clients + 1


@pytest.mark.variation
def test_scale_takes_or_removes_a_client_that_the_engine_makes_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What an interrupted verb asked for can come while the next one works: its number is wanted, or is too many."""
    wait, create = lifecycle.wait_until_ready, client_copies.create
    with laboratory(CLIENTS=1) as lab:

        def wait_with_one_too_many(project: str, clients: int) -> list[Host]:
            create(lab.clients[0], clients + 1)
            return wait(project, clients)

        def create_late(model: Host, number: int) -> str:
            late = create(model, number)
            assert create(model, number) == late
            return late

        monkeypatch.setattr(lifecycle, "wait_until_ready", wait_with_one_too_many)
        assert [host.number for host in lifecycle.scale(lab.settings, 1)] == [1, 1]
        monkeypatch.setattr(lifecycle, "wait_until_ready", wait)
        monkeypatch.setattr(client_copies, "create", create_late)
        assert [host.number for host in lifecycle.scale(lab.settings, 2)] == [1, 1, 2]


def _has_server(project: str) -> bool:
    """Return whether the server of a project runs."""
    return any(host.running for host in hosts.find(project, "server"))
