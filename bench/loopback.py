"""Our own two ends over this machine's loopback, without an engine: the servers, and the agent of a client host."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from connlab.base import settings
from connlab.base.errors import LabError
from connlab.base.settings import HOME
from connlab.base.wait import until
from connlab.cluster import host_files

PORTS = {"prefork": 17_902, "selectors": 17_903}  # of our servers
READY = 10.0  # seconds for a server to listen


class Ask(Protocol):
    """Send the agent a request; its answer, the first that is not partial. Raises `LabError` if it refuses."""

    def __call__(self, verb: str, **fields: Any) -> Mapping[str, Any]: ...


def python(*arguments: str) -> list[str]:
    """Return the command that runs Python as a host does."""
    return [sys.executable, "-S", "-E", *arguments]


@contextlib.contextmanager
def running(argv: list[str], environment: Mapping[str, str]) -> Iterator[None]:
    """Run a program for the block. Raises `LabError` if it ended by itself."""
    process = subprocess.Popen(
        argv, cwd=HOME, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
        if process.poll() is not None:
            raise LabError(f"{argv}: it ended by itself, with {process.returncode}")
    finally:
        process.terminate()
        process.wait()


def server(mode: str, **knobs: object) -> contextlib.AbstractContextManager[None]:
    """Run one of our servers for the block, on its port of PORTS, without an event for each connection."""
    own = {"SERVER_MODE": mode, "LISTEN": "127.0.0.1", "PORT": PORTS[mode], "EVENTS": "summary", **knobs}
    now = settings.read({}).changed(**own)
    environment = {
        **now.values,
        **host_files.environment(now, "server"),
        "CONNLAB_STATUS": f"connlab-speed-{os.getpid()}-{mode}",
    }
    return running(python("-m", "server.serve", "-1"), environment)


def listens(port: int) -> bool:
    """Return whether somebody listens on a port."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def wait_for_listener(name: str, port: int) -> None:
    """Wait until a server listens. Raises `GaveUp` after READY."""
    until(lambda: listens(port), f"{name} listens on {port}", READY)


@contextlib.contextmanager
def agent(folder: Path) -> Iterator[tuple[Ask, int]]:
    """Run the agent of a client host for the block: how it is asked, and its process id."""
    environment = {"CONNLAB_TURN": str(folder / "turn"), "CONNLAB_SERVER": "127.0.0.1"}
    with subprocess.Popen(
        python("-m", "client.agent", "--stop-at-close"), cwd=HOME, env=environment, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert process.stdin and process.stdout
        requests, answers = process.stdin, process.stdout
        answers.readline()

        def ask(verb: str, **fields: Any) -> Mapping[str, Any]:
            requests.write(json.dumps({"id": 1, "verb": verb, **fields}).encode() + b"\n")
            requests.flush()
            answer: Mapping[str, Any] = json.loads(answers.readline())
            if not answer["ok"]:
                raise LabError(f"{verb}: {answer['error']}")
            return answer

        yield ask, process.pid
        requests.close()
