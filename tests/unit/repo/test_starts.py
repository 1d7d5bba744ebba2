"""What a process in a host must not import: it would be paid for at every `status`, `attempt` and `up`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.files_variable import files_variable
from tests.support.processes import host_python, run_program

HOME = Path(__file__).parents[3]
# Each alone, in milliseconds of CPU beside the 9 of a Python that does nothing: 34, 18, 12, 11, 12, 5 and 4.
HEAVY = {"importlib.abc", "dataclasses", "traceback", "pathlib", "subprocess", "typing", "ipaddress"}
STARTED = ["server.__main__", "server.serve", "server.sample", "server.control", "server.mode_loader"]
STARTED += ["client.agent", "client.talk", "client.sysctls"]


@pytest.mark.parametrize("module", [*STARTED, "server.listener"])
def test_a_process_of_a_host_starts_light(module):
    """What the lab starts in a host, and what every mode of socketserver's has in common."""
    result = run_program(host_python("-c", f"import sys, {module}; print(*sys.modules)"), check=True)
    loaded = set(result.stdout.split())
    assert module in loaded
    assert not loaded & HEAVY


def test_a_client_tells_its_profile_without_json():
    """Of all that the lab asks, this comes from each client at each `status`; json would double it."""
    argv = host_python("-X", "importtime", "-m", "client.sysctls")
    result = run_program(argv, env={"CLIENT_SYSCTL": "article", **files_variable()}, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "connlab.machine.sysctls" in loaded
    assert not loaded & {"json", "re", "socket"}
