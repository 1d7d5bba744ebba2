"""What stops `up` does not stop the verbs that need only the lab's name, and `.env` names the engine for everybody."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from connlab.cluster import hosts, images, one_off
from tests.support.checkout import checkout, run_copy
from tests.support.forwarding import forwarding
from tests.support.laboratory import Lab, laboratory, own_settings, temporary_project
from tests.support.menu import FILE
from tests.support.pausing import pause
from tests.support.processes import write_program
from tests.support.variations import then_variations

pytestmark = pytest.mark.xdist_group("without_knobs")  # one lab for all of them, not one in each worker
PROFILE = "services: {host: {sysctls: [unclosed\n"


@pytest.mark.parametrize("damage", then_variations("env gone", "env not UTF-8", "bad profiles", "bad knobs"))
def test_looks_go_on(damaged_lab: tuple[Lab, Path], damage: str) -> None:
    """`status` and `logs` tell of the hosts; a command that needs the knobs says what is wrong, exit status 2."""
    lab, copy = damaged_lab
    menu = FILE.read_bytes()
    bad = {"PORT": "http", "SYSCTL": "nope", "SERVER_MODE": "nope"} if damage == "bad knobs" else {}
    if damage == "bad profiles":
        for profile in (copy / "sysctl").iterdir():
            profile.write_text(PROFILE)
    if damage.startswith("env"):
        (copy / ".env").unlink()
    if damage == "env not UTF-8":
        (copy / ".env").write_bytes(menu + b"GREETING=\xff\n")
    name = {"COMPOSE_PROJECT_NAME": lab.settings.project, **bad}

    status, logs = run_copy(copy, "status", **name), run_copy(copy, "logs", "--service", "server", **name)
    assert (status.returncode, status.stderr) == (0, "")
    assert lab.server.address in status.stdout
    assert logs.returncode == 0, logs.stderr
    assert "server-1  ready" in logs.stdout
    assert damage == "bad profiles" or run_copy(copy, "up", **name).returncode == 2
    (copy / ".env").write_bytes(menu)


@pytest.fixture(scope="module")
def damaged_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Path]]:
    """Return a running lab, and a checkout to damage."""
    copy = checkout(tmp_path_factory.mktemp("checkout"))
    with laboratory(CLIENTS=1) as lab:
        yield lab, copy


def test_down_goes_on(damaged_lab: tuple[Lab, Path]) -> None:
    """Without .env, with a paused host, with a spare one that nobody removed, because its `lab sockets` was killed.

    Nothing is left. A second one says that there is nothing.
    """
    lab, copy = damaged_lab  # the last test that needs it
    project = lab.settings.project
    (copy / ".env").unlink()
    left_over = one_off.ephemeral_host(project, images.name(lab.settings, "client"), 1, {})
    spare = left_over.__enter__()
    assert spare.inspect()["State"]["Running"]
    pause(lab.server.id)
    result = run_copy(copy, "down", COMPOSE_PROJECT_NAME=project)
    assert (result.returncode, hosts.projects(project)) == (0, set()), result.stderr
    result = run_copy(copy, "down", COMPOSE_PROJECT_NAME=project)
    assert (result.returncode, "there is no lab" in result.stderr) == (0, True)


@pytest.mark.variation
def test_the_engine_of_the_file_is_everybodys(tmp_path) -> None:
    """DOCKER_HOST in .env: the SDK, docker(1) and Compose all reach the engine through it.

    It names a socket of ours that leads to the engine; that each program used it is in what each was started with.
    """
    copy, lab_settings = checkout(tmp_path), own_settings(CLIENTS=0)
    path, bin_ = tmp_path / "engine.sock", tmp_path / "bin"
    with (copy / ".env").open("a") as menu:
        menu.write(f"\nDOCKER_HOST=unix://{path}\n")
    bin_.mkdir()
    for program in ("docker", "docker-compose"):
        if real := shutil.which(program):
            calls = f'echo "{program} $1 $DOCKER_HOST" >> {tmp_path}/calls'
            write_program(bin_ / program, f'{calls}\nexec {real} "$@"')
    name, path_of_programs = {"COMPOSE_PROJECT_NAME": lab_settings.project}, f"{bin_}:{os.environ['PATH']}"
    variables = {**name, "CLIENTS": "0", "PATH": path_of_programs}
    status = run_copy(copy, "status", **variables)
    assert (status.returncode, "cannot reach the Docker engine" in status.stderr) == (3, True)
    with temporary_project(lab_settings), socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(64)
        with forwarding(listener) as connections:
            up = run_copy(copy, "up", **variables)
            assert up.returncode == 0, up.stderr
            assert connections
            lines = (tmp_path / "calls").read_text().splitlines()
            assert lines
            assert all(line.endswith(f" unix://{path}") for line in lines), lines
            assert run_copy(copy, "down", **variables).returncode == 0
