"""A guest's commands, without a guest: a process on the other side of a socket, as if it were ours."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kernels import commands
from tests.support.ports import free_port

ENTER = (
    "import sys, os; from kernels import enter;"
    " enter.PORT = int(sys.argv.pop(1)); os._exit(enter.main(sys.argv[1]))"
)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Return a function: `run(["cat"], given="x")` has the other side run it."""
    port, ready = free_port(), threading.Event()
    monkeypatch.setattr(commands, "PORT", port)
    monkeypatch.setattr(commands, "WHERE", "/")
    threading.Thread(target=commands.serve, args=("127.0.0.1", ready.set), daemon=True).start()
    assert ready.wait(10)

    def call(
        argv: list[str], given: str | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        request: dict[str, Any] = {"argv": argv, "namespace": None, "environment": environment, "user": None}
        text = json.dumps({**request, "stdin": given is not None})
        ours = [sys.executable, "-c", ENTER, str(port), text]
        return subprocess.run(
            ours, input=given or "", capture_output=True, text=True, timeout=30, check=False
        )

    yield call


def test_streams_and_status_are_the_commands_own(run):
    """Both streams, apart; its status, or 128 and more for a signal; what it was given to read."""
    done = run(["sh", "-c", "echo out; echo $WORD >&2; exit 7"], WORD="err")
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 7)
    assert run(["sh", "-c", "kill -9 $$"]).returncode == 128 + 9
    long = "x" * 300_000
    assert run(["cat"], given=long).stdout == long


def test_a_command_that_is_not_there_is_told(run):
    """With the status that a shell gives it, and the guest goes on."""
    done = run(["no-such-command"])
    assert done.returncode == 127
    assert "no-such-command" in done.stderr
    assert run(["true"]).returncode == 0
