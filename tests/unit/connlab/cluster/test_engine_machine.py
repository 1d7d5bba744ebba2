"""Statements about the engine's machine come from the engine: here one that says that it is another machine.

Only that can be played: tests/hosts/test_machine.py has a real engine behind an address.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.processes import run_program

HOME = Path(__file__).parents[4]
VERSION = {"Version": "99.0", "ApiVersion": "1.41", "MinAPIVersion": "1.12", "KernelVersion": "5.10.1-far"}
INFO = {
    "NCPU": 64,
    "MemTotal": 4 << 30,
    "Driver": "overlay2",
    "KernelVersion": "5.10.1-far",
    "OSType": "linux",
    "SystemTime": "2031-02-03T05:05:06.123456789+01:00",
}


@pytest.fixture
def far():
    """Return DOCKER_HOST of a machine with another kernel, 64 CPUs, 4 GiB and no image of ours."""

    class Engine(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers = {
                "version": VERSION,
                "info": INFO | {"Name": os.uname().nodename},
                "json": [],
                "networks": [],
            }
            path = self.path.partition("?")[0]
            answer = None if "/images/" in path else answers.get(path.rpartition("/")[2])
            body = json.dumps({"message": "no such image"} if answer is None else answer).encode()
            self.send_response(404 if answer is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Engine) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"tcp://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def run(engine: str, script: str) -> str:
    """Return the output of a Python program with this engine; a refusal of the lab is its last word."""
    script = (
        f"from connlab.base.errors import LabError\ntry:\n    {script}\nexcept LabError as no:\n    print(no)"
    )
    environment = {**os.environ, "DOCKER_HOST": engine}
    result = run_program([sys.executable, "-c", script], env=environment)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_header_names_the_engines_kernel(far) -> None:
    """Not ours; and a run that needs no engine says nothing of one."""
    header = (
        "from types import SimpleNamespace as N; from tests.conftest import pytest_report_header as header; "
    )
    assert run(far, f"{header}print(header(N(args=['tests/hosts'])))") == (
        "connlab: kernel 5.10.1-far of an engine elsewhere, 64 CPUs, 4.3 GB\n"
    )
    assert run(far, f"{header}print(header(N(args=['tests/unit'])))") == "connlab: no engine is needed\n"


def test_facts_and_capacity_are_of_the_engines_machine(far) -> None:
    """4 GiB carry 496 clients; that they are free is not claimed."""
    facts = json.loads(
        run(
            far,
            "import json; from connlab.cluster import engine_machine as machine; print(json.dumps(machine.facts()))",
        )
    )
    assert (facts["kernel"], facts["cpus"], facts["memory_bytes"], facts["here"]) == (
        "5.10.1-far", 64, 4 << 30, False,
    )  # fmt: skip
    output = run(
        far,
        "from connlab.base import settings; from connlab.cluster.capacity import check; check(settings.read(), 1000)",
    )
    assert output.startswith(
        "N=1000 is more than fits: all memory of the engine's machine (how much of it is free"
    )
    assert "is enough for 496 clients\n  next: try N=496" in output


def test_the_time_of_another_machine_is_asked_there(far) -> None:
    """Its hosts' events have that time: what happened since our own would be all of them, or none."""
    output = run(
        far, "from connlab.cluster import engine_machine as machine; print(machine.now().isoformat())"
    )
    assert output == "2031-02-03T04:05:06.123456+00:00\n"


def test_the_load_of_another_machine_is_not_ours(far) -> None:
    """`make bench` leaves out what only our own kernel would say."""
    output = run(far, "from bench import machine as m; print(m.facts()['load'], m.available_bytes())")
    assert output == "None None\n"
