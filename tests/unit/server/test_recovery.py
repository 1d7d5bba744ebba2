"""What the server survives, and how it ends."""

from __future__ import annotations

import contextlib
import itertools
import resource
import signal
from datetime import datetime
from pathlib import Path

import pytest

from tests.unit.server.process import WITHIN, Server, echo, fill, reset

PAUSE = 0.5  # docs/events.md: what `accept_failed` says in `seconds`


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_every_connection_with_fin(server, number):
    """Clients read an end, not a reset; the process ends with 0, and its last words are in order."""
    with server.dial() as idle, server.dial() as talker:
        assert echo(talker, b"hello") == b"hello"
        server.wait_for("accepted", 2)
        server.process.send_signal(number)
        assert (idle.recv(1), talker.recv(1)) == (b"", b"")
        assert server.process.wait(WITHIN) == 0
    names = [event.event for event in server.events()]
    assert names[-4:] == ["stopping", "closed", "closed", "stopped"]
    assert server.events("stopping")[0].fields == {"signal": number.name, "open": 2}
    assert {event.fields["by"] for event in server.events("closed")} == {"server"}


def test_a_client_that_never_reads_harms_nobody(server):
    """Its own echo waits, and others are served; at the end its handler, stuck in send(2), is cut off."""
    with server.dial() as sock:
        fill(sock)
        server.check_service()
        assert server.stop() == 0
    assert server.events()[-1].event == "stopped"


def test_a_reset_is_told_as_one(server):
    """An RST in the middle of a conversation ends that connection alone."""
    sock = server.dial()
    assert echo(sock, b"hello") == b"hello"
    sock.sendall(b"and then")
    reset(sock)
    (closed,) = server.wait_for("closed")
    assert closed.fields["by"] == "reset"
    server.check_service()


def test_out_of_descriptors_the_server_waits_and_recovers(server):
    """accept(2) fails: that is told, not tried without end, and over once a connection is closed."""
    with server.dial() as veteran, contextlib.ExitStack() as stack:
        assert echo(veteran, b"before") == b"before"
        others = [stack.enter_context(server.dial()) for _ in range(leave_room(server, 3))]
        failed = server.wait_for("accept_failed", 3)
        assert {(event.fields["error"], event.fields["seconds"]) for event in failed} == {("EMFILE", PAUSE)}
        # Its own clock: each failure is followed by the pause that it announces.
        moments = [datetime.fromisoformat(event.ts) for event in failed]
        gaps = [(after - before).total_seconds() for before, after in itertools.pairwise(moments)]
        assert all(gap > PAUSE * 0.9 for gap in gaps), gaps
        assert echo(veteran, b"meanwhile") == b"meanwhile"
        served = len(server.events("accepted")) - 1  # without the veteran
        assert 0 < served < len(others)
        others[0].close()
        assert echo(others[served], b"at last") == b"at last"


def test_status_out_of_descriptors_does_not_end_the_server(server):
    """Asking how it is does not harm a server that is in need."""
    with server.dials(leave_room(server, 1)) as (served, *_):
        server.wait_for("accept_failed")
        server.control()
        assert echo(served, b"after") == b"after"
        assert server.process.poll() is None


def test_a_taken_port_ends_the_process(server, start):
    """Two servers on one port: the second does not pretend to listen."""
    second = start(port=server.port, ready=False)
    assert second.process.wait(WITHIN) == 1
    (failure,) = second.events()
    assert failure.event == "listen_failed"
    assert "Address already in use" in failure.fields["error"]


def leave_room(server: Server, connections: int) -> int:
    """Limit the descriptors of the server to those it has and so many more; returns the limit.

    One more than /proc shows is taken: accept(2), in which `status` waits, reserves its descriptor first.
    """
    pid = server.process.pid
    limit = max(int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()) + 2 + connections
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, limit))
    return limit
