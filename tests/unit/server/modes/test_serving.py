"""What a client gets in each mode, and how many get it at once."""

import contextlib
import socket

import pytest

from server import handlers
from tests.unit.server.modes.kinds import BOUND, ECHOING, UNBOUNDED, WITH_HANDLER
from tests.unit.server.process import GREETING, echo, is_readable, receive, reset


@pytest.mark.parametrize("mode", ECHOING)
def test_it_echoes_until_the_client_is_done(start, mode):
    """Bytes come back, the log tells the whole connection, and nobody is left."""
    server = start(mode, GREETING="welcome")
    with server.dial() as sock:
        source_port = sock.getsockname()[1]
        assert receive(sock, 8) == b"welcome\n"
        for message in (b"one", b"\x00\xff\x1b[2J", b"three"):
            assert echo(sock, message) == message
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""
    server.wait_for_open(0)
    story = [line for line in server.events() if line.fields.get("source_port") == source_port]
    assert [line.event for line in story] == ["accepted", "message", "message", "message", "closed"]
    assert story[0].fields["open"] == 1
    end = story[-1].fields
    assert (end["by"], end["bytes_in"], end["bytes_out"]) == ("client", 14, 22)


def test_the_greeting_server_greets_receives_once_and_closes(start):
    """The article's first listing: its text, one recv, and the server's own FIN."""
    server = start("greeting")
    with server.dial() as sock:
        assert receive(sock, len(GREETING)) == GREETING
        assert not is_readable(sock)
        sock.sendall(b"thanks")
        assert sock.recv(1) == b""
    end = server.wait_for("closed")[0].fields
    assert (end["by"], end["bytes_in"], end["bytes_out"]) == ("server", 6, len(GREETING))


@pytest.mark.parametrize("mode", BOUND)
def test_so_many_are_served_at_once_and_the_next_when_one_leaves(start, mode):
    """Exactly the mode's number is accepted; two more are connected, can send, and wait (B08)."""
    server, bound = start(mode, BACKLOG="64"), BOUND[mode]
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(server.dials(bound))
        server.wait_for_open(bound)
        waiting = stack.enter_context(server.dials(2))
        for sock in waiting:
            sock.sendall(b"me too")
        for sock in first if mode != "greeting" else ():
            assert echo(sock, b"x") == b"x"
        assert (server.account()["open"], server.account()["accepted"]) == (bound, bound)
        assert not any(is_readable(sock) for sock in waiting)

        first[0].close()
        answer = GREETING if mode == "greeting" else b"me too"
        assert receive(waiting[0], len(answer)) == answer
        if mode != "greeting":  # which has already taken the second one too
            server.wait_for_open(bound)
            assert not is_readable(waiting[1])


@pytest.mark.parametrize("mode", UNBOUNDED)
def test_all_are_served_at_once(start, mode):
    """No bound but the machine's: a hundred clients, all talking, and the account knows them.

    With room for all of them to wait: dropped SYNs are another story (B03).
    """
    server = start(mode, BACKLOG="128")
    with server.dials(100) as socks:
        for sock in socks:
            sock.sendall(b"x")
        assert [receive(sock, 1) for sock in socks] == [b"x"] * 100
        assert server.account() == {"open": 100, "accepted": 100, "refused": 0}
    server.wait_for_open(0)


def test_a_pool_of_one_is_iterative(start):
    """POOL_SIZE is the number of clients served at once."""
    server = start("pool", POOL_SIZE="1")
    with server.dial() as one, server.dial() as two:
        two.sendall(b"2")
        one.sendall(b"1")
        assert receive(one, 1) == b"1"
        assert not is_readable(two)
        one.close()
        assert receive(two, 1) == b"2"


@pytest.mark.parametrize("mode", WITH_HANDLER)
def test_the_articles_loop_never_ends_but_for_our_bound(start, mode):
    """After a clean close recv returns b"" for ever: told once, with the count, and the server goes on."""
    server = start(mode, HANDLER="article", BACKLOG="16")
    with server.dial() as sock:
        assert echo(sock, b"hello") == b"hello"
    (endless,) = server.wait_for("endless")
    assert endless.fields["empty_reads"] == handlers.ENDLESS
    assert endless.fields["seconds"] > 0
    assert server.wait_for("closed")[0].fields["by"] == "client"
    with server.dial() as sock:
        assert echo(sock, b"still here?") == b"still here?"
        reset(sock)
    assert server.wait_for("closed", 2)[1].fields["by"] == "reset"
    assert len(server.events("endless")) == 1, "a client that resets ends the loop by exception"
