"""A client host of one's own: its processes, its agent, and a server to dial."""

import json
import os
import signal
import socket
import subprocess
import threading
from contextlib import suppress
from types import SimpleNamespace

import pytest

from tests.support.processes import host_python
from tests.unit.client.processes import ROOT, lines


@pytest.fixture
def run(tmp_path):
    """Start `python3 -S -E ...` as a client process of one host; killed at the end if it still runs.

    Its standard error is in the file `log` of the process, or a pipe where a test asks for one.
    """
    running = []

    def start(*argv, stderr=None, **knobs):
        environ = {"CONNLAB_TURN": str(tmp_path / "turn"), "CONNLAB_SERVER": "127.0.0.1", **knobs}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "bufsize": 0}
        log = tmp_path / f"stderr-{len(running)}"
        with log.open("wb") as file:
            pipes["stderr"] = stderr or file
            process = subprocess.Popen(host_python(*argv), cwd=ROOT, env=environ, process_group=0, **pipes)
        process.log = log
        running.append(process)
        return process

    yield start
    for process in running:
        with process, suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # an idle client is a shell and its sleep


@pytest.fixture
def agent(run):
    """Open an agent; `ask` sends a request and returns the answer."""

    def open_agent(*argv, **knobs):
        process = run(*(argv or ("-m", "client.agent")), **knobs)
        answers = lines(process.stdout)

        def send(**request):
            process.stdin.write(json.dumps(request).encode() + b"\n")

        def ask(verb, **fields):
            send(id=verb, verb=verb, **fields)
            answer = next(answers)
            assert answer["id"] == verb
            return answer

        hello = next(answers)
        return SimpleNamespace(process=process, ask=ask, send=send, hello=hello, answers=answers)

    return open_agent


@pytest.fixture
def echo():
    """Return the port of a server that greets and then echoes, each connection in a thread."""

    def talk(connection):
        with connection:
            connection.sendall(b"welcome\n")
            with suppress(ConnectionError):
                while data := connection.recv(65_536):
                    connection.sendall(data)

    def serve(listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
