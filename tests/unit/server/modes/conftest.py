"""A server in a mode of one's choice; nothing of it is left afterwards."""

import contextlib
import os
import signal

import pytest

from tests.support.ports import free_port
from tests.unit.server.modes.process import Server


@pytest.fixture
def start(tmp_path):
    """Start a server in a mode, ready unless told otherwise; nothing of it is left afterwards."""
    started = []

    def launch(mode: str, port: int = 0, ready: bool = True, **options) -> Server:
        server = Server(tmp_path, port or free_port(), SERVER_MODE=mode, **options)
        started.append(server)
        if ready:
            server.wait_for("ready")
        return server

    yield launch
    for server in started:
        server.process.kill()
        server.process.wait()
        for child in server.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
