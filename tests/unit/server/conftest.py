"""The server as a process of this machine, ready; nothing of it is left afterwards."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from connlab.base.wait import until
from tests.support.given import given
from tests.support.menu import MENU
from tests.support.ports import free_port
from tests.unit.server.process import HOME, SOON, Server, said


@pytest.fixture
def start(tmp_path):
    """Start the server with other knobs; returns it ready. It is killed afterwards, by its process id."""
    with contextlib.ExitStack() as stack:

        def started(reports: socket.socket | None = None, **knobs: str) -> Server:
            port, log = free_port(), tmp_path / "log"
            number = reports.fileno() if reports else -1
            out = stack.enter_context(log.open("wb"))
            status = f"connlab-{os.getpid()}-{port}"
            process = subprocess.Popen(
                [sys.executable, "-m", "server.serve", str(number)], cwd=HOME,
                env=MENU | given() | {"PORT": str(port), "CONNLAB_STATUS": status} | knobs,
                stdout=out, stderr=subprocess.STDOUT, pass_fds=[number] if reports else [],
            )  # fmt: skip
            stack.callback(process.wait)
            stack.callback(process.kill)
            server = Server(process, port, log, status)
            until(lambda: said(server, "ready") or process.poll(), f"it is ready: {log.read_text()}", SOON)
            until(lambda: f"@{status}\n" in Path("/proc/net/unix").read_text(), "it answers `status`", SOON)
            assert process.poll() is None, log.read_text()
            return server

        yield started


@pytest.fixture
def server(start):
    return start()
