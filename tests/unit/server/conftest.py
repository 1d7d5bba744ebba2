"""The server as a process of this machine, ready; nothing of it is left afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess

import pytest

from connlab.base.wait import until
from tests.support.files_variable import files_variable
from tests.support.ports import free_port
from tests.support.processes import host_python
from tests.unit.server.process import HOME, KNOBS, WITHIN, Server


@pytest.fixture
def start(tmp_path):
    """Return a function that starts a server: `start("forking", GREETING="hello")` returns it ready.

    `reports` is the socket that it reads reports of refusals from, `descriptors` how many it may have. Afterwards it
    and its children are killed, by their process ids.
    """
    servers: list[Server] = []

    def launch(
        mode: str = "threading", *, port: int = 0, ready: bool = True,
        reports: socket.socket | None = None, descriptors: int = 0, **knobs: str,
    ) -> Server:  # fmt: skip
        port, log = port or free_port(), tmp_path / f"log-{len(servers)}"
        names = {"SERVER_MODE": mode, "PORT": str(port), "CONNLAB_STATUS": f"connlab-{os.getpid()}-{port}"}
        environment = {**KNOBS, **files_variable(), **names, **knobs}
        number = reports.fileno() if reports else -1
        argv = host_python("-m", "server.serve", str(number))
        if descriptors:
            argv = ["sh", "-c", 'ulimit -n "$0" && exec "$@"', str(descriptors), *argv]
        with log.open("wb") as output:
            process = subprocess.Popen(
                argv, cwd=HOME, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, pass_fds=[number] if reports else [],
            )  # fmt: skip
        server = Server(process, port, log, environment)
        servers.append(server)
        if ready:
            until(lambda: server.events("ready") or process.poll() is not None, "it is ready", WITHIN)
            assert process.poll() is None, log.read_text()
        return server

    yield launch
    for server in servers:
        server.process.kill()
        server.process.wait()
        for child in server.children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


@pytest.fixture
def server(start):
    """Start a threading server."""
    return start()
