"""Statements about the engine's machine come from the engine: here one that says that it is another machine.

Only that can be played: tests/hosts/test_machine.py has a real engine behind an address.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench import machine
from connlab.base import settings
from connlab.base.errors import LabError
from connlab.cluster import capacity, engine, engine_machine
from tests.support.header import header

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
def _far(monkeypatch) -> Iterator[None]:
    """Have DOCKER_HOST name a machine with another kernel, 64 CPUs, 4 GiB and no image of ours."""

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
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.server_address[1]}")
        known = (engine.client, engine.version, engine.identity, engine_machine.is_here)
        for each in known:
            each.cache_clear()
        yield
        for each in known:
            each.cache_clear()
        server.shutdown()


pytestmark = pytest.mark.usefixtures("_far")


def test_the_header_names_the_engines_kernel() -> None:
    """Not ours; and a run that needs no engine says nothing of one."""
    assert header(["tests/hosts"]) == ("connlab: kernel 5.10.1-far of an engine elsewhere, 64 CPUs, 4.3 GB")
    assert header(["tests/unit"]) == "connlab: no engine is needed"


def test_facts_and_capacity_are_of_the_engines_machine() -> None:
    """4 GiB carry 496 clients; that they are free is not claimed."""
    facts = engine_machine.facts()
    assert (facts["kernel"], facts["cpus"], facts["memory_bytes"], facts["here"]) == (
        "5.10.1-far", 64, 4 << 30, False,
    )  # fmt: skip
    with pytest.raises(LabError) as refused:
        capacity.check(settings.read(), 1000)
    assert str(refused.value).startswith(
        "N=1000 is more than fits: all memory of the engine's machine (how much of it is free"
    )
    assert "is enough for 496 clients\n  next: try N=496" in str(refused.value)


def test_the_time_of_another_machine_is_asked_there() -> None:
    """Its hosts' events have that time: what happened since our own would be all of them, or none."""
    assert engine_machine.now().isoformat() == "2031-02-03T04:05:06.123456+00:00"


def test_the_load_of_another_machine_is_not_ours() -> None:
    """`make bench` leaves out what only our own kernel would say."""
    assert (machine.facts()["load"], machine.available_bytes()) == (None, None)
