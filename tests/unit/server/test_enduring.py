"""What the server survives, and how it ends."""

from __future__ import annotations

import contextlib
import itertools
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from connlab.base.model import events
from connlab.base.wait import until
from tests.support.given import given
from tests.support.menu import MENU
from tests.unit.server.process import HOME, SOON, Server, ask, dial, echo, heard, lives, reset, said

PAUSE = 0.5  # docs/events.md: what `accept_failed` says in `seconds`


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_every_connection_with_fin(server, number):
    """Clients read an end, not a reset; the process ends with 0, and its last words are in order."""
    with dial(server) as idle, dial(server) as talker:
        assert echo(talker, b"hello") == b"hello"
        heard(server, "accepted", 2)
        server.process.send_signal(number)
        assert (idle.recv(1), talker.recv(1)) == (b"", b"")
        assert server.process.wait(timeout=SOON) == 0
    names = [event.event for event in events(server.log.read_text())]
    assert names[-4:] == ["stopping", "closed", "closed", "stopped"]
    assert said(server, "stopping")[0].fields == {"signal": number.name, "open": 2}
    assert {event.fields["by"] for event in said(server, "closed")} == {"server"}


def test_a_client_that_never_reads_harms_nobody(server):
    """Its own echo waits, and others are served; at the end its handler, stuck in send(2), is cut off."""
    with clogged(server):
        assert lives(server)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=SOON) == 0
    assert events(server.log.read_text())[-1].event == "stopped"


def test_a_reset_is_told_as_one(server):
    """An RST in the middle of a conversation ends that connection alone."""
    sock = dial(server)
    assert echo(sock, b"hello") == b"hello"
    sock.sendall(b"and then")
    reset(sock)
    (closed,) = heard(server, "closed")
    assert closed.fields["by"] == "reset"
    assert lives(server)


def test_out_of_descriptors_the_server_waits_and_recovers(server):
    """accept(2) fails: that is told, not tried without end, and over once a connection is closed."""
    with dial(server) as veteran, contextlib.ExitStack() as stack:
        assert echo(veteran, b"before") == b"before"
        held = [stack.enter_context(dial(server)) for _ in range(leave_room(server, 3))]
        failed = heard(server, "accept_failed", 3)
        assert {(event.fields["error"], event.fields["seconds"]) for event in failed} == {("EMFILE", PAUSE)}
        # Its own clock: each failure is followed by the pause that it announces.
        moments = [datetime.fromisoformat(event.ts) for event in failed]
        gaps = [(after - before).total_seconds() for before, after in itertools.pairwise(moments)]
        assert all(gap > PAUSE * 0.9 for gap in gaps), gaps
        assert echo(veteran, b"meanwhile") == b"meanwhile"
        served = len(said(server, "accepted")) - 1  # without the veteran
        assert 0 < served < len(held)
        held[0].close()
        assert echo(held[served], b"at last") == b"at last"


def test_status_out_of_descriptors_does_not_end_the_server(server):
    """Asking how it is does not harm a server that is in need."""
    with contextlib.ExitStack() as stack:
        served, *_ = [stack.enter_context(dial(server)) for _ in range(leave_room(server, 1))]
        heard(server, "accept_failed")
        ask(server)
        assert echo(served, b"after") == b"after"
        assert server.process.poll() is None


def test_a_taken_port_ends_the_process(server):
    """Two servers on one port: the second does not pretend to listen."""
    argv = [sys.executable, "-m", "server.serve", "-1"]
    environment = MENU | given() | {"PORT": str(server.port)}
    done = subprocess.run(argv, cwd=HOME, env=environment, capture_output=True, text=True, check=False)
    (failed,) = events(done.stdout)
    assert (done.returncode, failed.event) == (1, "listen_failed")
    assert "Address already in use" in failed.fields["error"]
    assert "listening" not in done.stdout


@contextlib.contextmanager
def clogged(server: Server) -> Iterator[None]:
    """A client that has sent until neither side has room, and reads none of what is echoed."""
    with socket.socket() as mute:
        for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            mute.setsockopt(socket.SOL_SOCKET, buffer, 4096)
        mute.connect(("127.0.0.1", server.port))
        mute.setblocking(False)
        refused = 0

        def full() -> bool:
            nonlocal refused
            with contextlib.suppress(BlockingIOError):
                while mute.send(b"x" * 65536):
                    refused = -1
            refused += 1
            return refused > 5

        until(full, "both buffers are full", SOON)
        yield


def leave_room(server: Server, connections: int) -> int:
    """Limit the descriptors of the server to those it has and so many more; returns the limit.

    One more than /proc shows is taken: accept(2), in which `status` waits, reserves its descriptor first.
    """
    pid = server.process.pid
    limit = max(int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()) + 2 + connections
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, limit))
    return limit
