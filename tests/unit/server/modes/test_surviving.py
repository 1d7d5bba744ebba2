"""What each mode survives: hostile clients, a thousand silent ones, no descriptors left."""

import contextlib
import os
import select
import signal
import socket

import pytest

from connlab.base.wait import until
from tests.support.variations import then_variations
from tests.unit.server.modes.kinds import BOUND, MODES
from tests.unit.server.process import WITHIN, fill, receive, reset


@pytest.mark.parametrize("mode", then_variations(*MODES))
def test_hostile_clients_do_not_matter(start, mode):
    """Garbage, a reset in mid-message, 10 MB at once, and one that never reads: others are served after each."""
    server = start(mode)
    with server.dial() as sock:
        sock.sendall(bytes(range(256)) * 4)
        reset(sock)
    server.check_service()
    with server.dial() as sock:
        sock.sendall(b"half of a mess")
        reset(sock)
    server.check_service()
    with server.dial() as sock:
        size = 10 << 20
        assert _echo_all(sock, size) == size or mode == "greeting"
    server.check_service()
    with server.dial() as sock:
        size = fill(sock)
        if BOUND.get(mode) != 1:
            server.check_service()
        if mode != "greeting":
            sock.settimeout(WITHIN)
            sock.shutdown(socket.SHUT_WR)
            assert len(receive(sock, size + 1)) == size, "and it was only slow"
    server.check_service()
    server.wait_for_open(0)
    assert server.process.poll() is None


def _echo_all(sock: socket.socket, size: int) -> int:
    """Send `size` bytes and read the echoes meanwhile; returns how many came back."""
    sock.setblocking(False)
    chunk, back, size_left = b"x" * 65536, 0, size

    def turn() -> bool:
        nonlocal back, size_left
        select.select([sock], [sock] if size_left else [], [], 0.1)
        with contextlib.suppress(BlockingIOError):
            if size_left:
                size_left -= sock.send(chunk[: min(size_left, len(chunk))])
        with contextlib.suppress(BlockingIOError):
            data = sock.recv(1 << 20)
            back += len(data)
            return not data or back == size
        return False

    with contextlib.suppress(ConnectionError):
        until(turn, "all of it came back", 60, every=0)
    return back


@pytest.mark.parametrize(
    "mode", then_variations("threading", *(mode for mode in MODES if mode != "threading"))
)
def test_a_thousand_that_say_nothing_do_not_matter(start, mode):
    """1,000 connects without a byte: those without a bound serve another meanwhile, all do afterwards.

    With room for all of them to wait: dropped SYNs are another story (B03).
    """
    server = start(mode, BACKLOG="1024")
    with contextlib.ExitStack() as stack:
        silent = []
        for _ in range(1000):
            silent.append(stack.enter_context(socket.socket()))
            silent[-1].setblocking(False)
            silent[-1].connect_ex(("127.0.0.1", server.port))
        if mode in BOUND:
            server.wait_for_open(BOUND[mode])
        else:
            server.check_service()
            server.wait_for_open(1000)
    # A process for each of those that have gone again: on a busy machine that is minutes, not seconds.
    until(lambda: server.account().get("accepted", 0) >= 1000, "all have had their turn", within=200)
    server.check_service()
    server.wait_for_open(0)


@pytest.mark.parametrize("mode", [mode for mode in MODES if BOUND.get(mode) != 1])
def test_out_of_descriptors_it_waits_and_goes_on(start, mode):
    """EMFILE: told with a pause, the operator's question does not kill it, and service resumes (P05)."""
    server = start(mode, descriptors=24, POOL_SIZE="40", BACKLOG="64")
    with server.dials(40):
        failure = server.wait_for("accept_failed", 2)[0].fields
        assert failure["error"] == "EMFILE"
        assert failure["seconds"] > 0
        answer = server.control()
        if mode == "prefork":  # the account is its parent's, which has descriptors
            assert '"accepted"' in answer.stdout
        else:
            assert "Too many open files" in answer.stderr
    server.check_service()
    server.wait_for_open(0)


def test_a_killed_child_is_missed(start):
    """The parent tells the end of a connection whose process could not, and its client gets a FIN."""
    server = start("forking")
    with server.dial() as sock:
        server.wait_for_open(1)
        os.kill(server.child(), signal.SIGTERM)
        assert sock.recv(1) == b""
    (closed,) = server.wait_for("closed")
    assert closed.fields["by"] == "error"
    server.wait_for_open(0)
    server.wait_for_no_children()
