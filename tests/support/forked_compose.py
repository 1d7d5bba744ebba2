"""The Compose of a test's own process: a fork of one that has started, where Compose is a Python program.

Half of what such a call costs is its imports, and a run has a hundred calls. What a test starts as a process of its own
(`lab`, `make`) starts a Compose of its own, as a user's does.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from connlab.cluster import subprocesses
from tests.support.compose_start import python_of, start_variables

PROGRAM = Path(__file__).with_name("compose_forks.py")
COMPOSE = "docker-compose"


@contextlib.contextmanager
def forked_compose() -> Iterator[None]:
    """Have calls of Compose be forks for the block; the first starts it."""
    program = shutil.which(COMPOSE)
    if not (program and start_variables(Path(program))):
        yield
        return
    lock = threading.Lock()  # labs come up in several threads
    original = subprocesses.run_to_end
    with contextlib.ExitStack() as stack:
        start = functools.cache(lambda: stack.enter_context(_forking(Path(program))))

        def run_to_end(argv: Sequence[str], **options: Any) -> tuple[int, bytes]:
            if argv[0] != COMPOSE:
                return original(argv, **options)
            with lock:
                calls = start()
            return call(calls, argv[1:], **options)

        with mock.patch.object(subprocesses, "run_to_end", run_to_end):
            yield


@contextlib.contextmanager
def _forking(program: Path) -> Iterator[socket.socket]:
    """Start the program that forks, in a session of its own; it ends when the socket is closed, or we have ended."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        argv = [str(python_of(program)), str(PROGRAM)]
        process = subprocess.Popen(argv, stdin=theirs, start_new_session=True)
    with process, ours:
        yield ours


def call(
    calls: socket.socket,
    arguments: Sequence[str],
    *,
    env: Mapping[str, str],
    stdin: int,
    stdout: int,
    stderr: int | None,
) -> tuple[int, bytes]:
    """Run Compose to its end, as subprocesses.run_to_end does; its exit status and what it wrote to a pipe."""
    assert stdin == subprocess.DEVNULL
    theirs, ours = os.pipe()
    with (
        os.fdopen(theirs) as status,
        tempfile.TemporaryFile("w+") as request,
        tempfile.TemporaryFile() as errors,
        Path(os.devnull).open() as null,
    ):
        json.dump([list(arguments), dict(env), str(Path.cwd())], request)
        request.flush()
        request.seek(0)
        streams = [null.fileno(), stdout, 2 if stderr is None else errors.fileno()]
        try:
            socket.send_fds(calls, [b"."], [request.fileno(), *streams, ours])
        finally:
            os.close(ours)
        process = int(status.readline())
        try:
            code = status.readline()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)
            raise
        errors.seek(0)
        return int(code or -signal.SIGKILL), errors.read()
