"""The engine's machine, asked through an engine that is reached by an address, as one elsewhere would be."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator

import pytest

from connlab.cluster import engine_machine, hosts
from tests.support.forwarding import SOCKET, forwarding
from tests.support.laboratory import Lab
from tests.support.processes import run_lab, run_program

LOOK = """from connlab.base import settings
from connlab.cluster import capacity, engine_machine
s = settings.read()
capacity.check(s, 1)
print(engine_machine.is_here(), engine_machine.available_bytes(s))
"""


@pytest.fixture
def address() -> Iterator[str]:
    """Return the address of the same engine by TCP, on a port of loopback."""
    if not engine_machine.is_here() or not os.access(SOCKET, os.W_OK):
        pytest.skip("the engine is elsewhere, or not at its usual place")
    with socket.create_server(("127.0.0.1", 0)) as listener, forwarding(listener):
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("running", [True, False], ids=["through a host", "through a container of its own"])
def test_the_free_memory_of_an_engine_elsewhere_is_asked_there(
    crowd: Lab, address: str, running: bool
) -> None:
    """The kernel is one here, so both ways must tell what it tells us, but for what changes meanwhile."""
    project = crowd.settings.project if running else f"{crowd.settings.project}-none"
    environment = {**os.environ, "DOCKER_HOST": address, "COMPOSE_PROJECT_NAME": project}
    result = run_program([sys.executable, "-c", LOOK], env=environment)
    assert result.returncode == 0, result.stderr
    here, free = result.stdout.split()
    total = engine_machine.facts()["memory_bytes"]
    assert here == "False"
    assert free.isdigit()
    assert 0 < int(free) < total
    assert int(free) % 1024 == 0


@pytest.mark.variation
def test_the_kernel_of_an_engine_elsewhere_is_measured_there(address: str) -> None:
    """`lab kernels engine`: the answer names the engine's kernel and says that it is elsewhere; its lab is gone."""
    project = f"connlab-elsewhere-{os.getpid()}"
    claims = ("--claims", "boundary,ports,loopback")
    done = run_lab("kernels", "--json", *claims, "engine", DOCKER_HOST=address, COMPOSE_PROJECT_NAME=project)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    kernel = engine_machine.facts()["kernel"]
    assert (answer["machine"]["kernel"], answer["machine"]["here"]) == (kernel, False)
    ((version, where),) = {(row["version"], row["where"]) for row in answer["kernels"]}
    assert (version, where) == (kernel, "engine")
    assert {cell["reason"] for cell in answer["cells"]} == {""}
    assert hosts.projects(project) == set()
