"""A command that answers more than once, and what becomes of a question when it no longer can."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from connlab.base.errors import LabError
from connlab.cluster.host import Host
from connlab.cluster.repeated_command import RepeatedCommand
from connlab.cluster.stream import Stream
from tests.support.frames import ERR, frame

HOST = Host("c0ffee", "server", 1, "172.18.0.2", "running", "Up 5 seconds")
ARGV = ["sample"]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Return the engine's end of the one command that is started; a question of its own is an error that says so."""
    ours, theirs = socket.socketpair()
    streams = [Stream(ours, "server-1: sample")]
    monkeypatch.setattr(Host, "stream", lambda self, argv: streams.pop())
    monkeypatch.setattr(Host, "run", _asked_anew)
    monkeypatch.setattr(Host, "inspect", lambda self: {"State": {"Status": "running"}})
    with theirs:
        yield theirs


def test_one_command_answers_twice(command: socket.socket) -> None:
    """The second answer comes after a line of ours, from the same command."""
    command.sendall(frame(b"one\n"))
    with RepeatedCommand(HOST) as asked:
        assert asked.run(ARGV) == "one"
        command.sendall(frame(b"two\n"))
        assert asked.run(ARGV) == "two"
        assert command.recv(100) == b"\n"
    assert command.recv(100) == b"", "its input has ended"


def test_a_host_that_does_not_run_is_asked_anew(
    command: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is told at once, as a first question tells it, and nobody waits for a frozen process."""
    command.sendall(frame(b"one\n"))
    with RepeatedCommand(HOST) as asked:
        asked.run(ARGV)
        monkeypatch.setattr(Host, "inspect", lambda self: {"State": {"Status": "paused"}})
        with pytest.raises(LabError, match="asked anew"):
            asked.run(ARGV)


@pytest.mark.parametrize("answered", [0, 1])
def test_a_command_that_is_gone_is_asked_anew(command: socket.socket, answered: int) -> None:
    """It failed at once, or between two questions."""
    command.sendall(frame(b"one\n") * answered + frame(b"no such table\n", ERR))
    with RepeatedCommand(HOST) as asked:
        for _ in range(answered):
            asked.run(ARGV)
        command.close()
        with pytest.raises(LabError, match="asked anew"):
            asked.run(ARGV)


def test_what_was_never_asked_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verb that ends before its first look has no command on the server."""
    monkeypatch.setattr(Host, "stream", _asked_anew)
    with RepeatedCommand(HOST):
        pass


def _asked_anew(self: Host, argv: list[str]) -> str:
    raise LabError("asked anew")
