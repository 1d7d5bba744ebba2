"""What each mode tells, and how it ends."""

import contextlib
import re
import socket
from collections import Counter

import pytest

from server import settings
from server.connections import Connections
from tests.support.files_variable import files_variable
from tests.support.ports import free_port
from tests.unit.server.modes.kinds import BOUND, MODES, MODULES, SUPERVISED
from tests.unit.server.process import GREETING, KNOBS, WITHIN, echo, fill, receive


@pytest.mark.parametrize("mode", MODES)
def test_the_operator_can_close_one_connection(start, mode):
    """By source and port, with FIN; `closed` says that the server did it. Nonsense is answered, no more."""
    server = start(mode)
    with server.dial() as sock:
        server.wait_for_open(1)
        receive(sock, len(GREETING)) if mode == "greeting" else None
        assert server.ask("close", "127.0.0.1", str(sock.getsockname()[1])) == 1
        assert sock.recv(1) == b""
    assert server.wait_for("closed")[0].fields["by"] == "server"
    server.wait_for_open(0)
    for nonsense in (["close", "127.0.0.1", "http"], ["open"], ["close"]):
        assert server.ask(*nonsense).keys() == {"error"}
    server.check_service()


@pytest.mark.parametrize("mode", ["forking", "prefork", "selectors", "threading"])
def test_the_operator_can_close_all_of_a_source(start, mode):
    """Without a port: each connection of that source, none of another; the answer is how many."""
    server = start(mode)
    with (
        server.dial("127.0.0.2") as other,
        server.dial("127.0.0.2") as second,
        server.dial() as one,
        server.dial() as two,
    ):
        server.wait_for("accepted", 4)
        assert server.ask("close", "127.0.0.3") == 0
        assert server.ask("close", "127.0.0.2", str(second.getsockname()[1])) == 1
        assert server.control("close", "127.0.0.1").stdout.strip() == "2"
        assert (second.recv(1), one.recv(1), two.recv(1)) == (b"", b"", b"")
        assert echo(other, b"still here") == b"still here"
    assert sorted((line.fields["source"], line.fields["by"]) for line in server.wait_for("closed", 4)) == [
        ("127.0.0.1", "server"), ("127.0.0.1", "server"), ("127.0.0.2", "client"), ("127.0.0.2", "server"),
    ]  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_it_stops_properly(start, mode):
    """SIGTERM with clients connected, one of which never reads: FIN for all, exit 0, no child left."""
    server = start(mode)
    count = min(BOUND.get(mode, 5), 5)
    with server.dials(count) as socks:
        server.wait_for_open(count)
        stuck, *others = socks
        if mode != "greeting":
            fill(stuck)
        assert server.stop() == 0
        assert [sock.recv(1) for sock in others] == [b""] * len(others)
    closed = server.events("closed")
    assert Counter(line.fields["by"] for line in closed) == {"server": count}
    assert [(last.event, last.fields["clean"]) for last in server.events()[-1:]] == [("stopped", True)]
    assert server.events("stopping")[0].fields["open"] == count
    server.wait_for_no_children()


@pytest.mark.parametrize("mode", BOUND)
def test_it_stops_when_it_is_full(start, mode):
    """At its bound, where the loop is in a handler or in waitpid(2), and with more waiting: the same."""
    server = start(mode, BACKLOG="64")
    with contextlib.ExitStack() as stack:
        socks = stack.enter_context(server.dials(BOUND[mode]))
        server.wait_for_open(BOUND[mode])
        waiting = stack.enter_context(server.dials(3))
        assert server.stop() == 0
        if mode in ("greeting", "pool"):  # the others accept once more before they see that they shall stop
            for sock in waiting:
                with pytest.raises(ConnectionResetError):  # B09
                    sock.recv(1)
        assert [receive(sock, 100).removeprefix(GREETING) for sock in socks] == [b""] * len(socks)
    closed = server.events("closed")
    assert Counter(line.fields["by"] for line in closed) == {"server": len(closed)}
    assert len(closed) == len(server.events("accepted")) >= BOUND[mode]
    assert [(last.event, last.fields["clean"]) for last in server.events()[-1:]] == [("stopped", True)]
    server.wait_for_no_children()


@pytest.mark.parametrize("mode", SUPERVISED)
@pytest.mark.parametrize("reuse", ["1", "0"])
def test_reuse_address_decides_about_the_next_start(start, mode, reuse):
    """The server closed first, so its port is in TIME_WAIT: with SO_REUSEADDR it can be had again (R01)."""
    server = start(mode, REUSE_ADDRESS=reuse)
    with server.dial() as sock:
        server.wait_for_open(1)
        assert server.stop() == 0
        receive(sock, 100)
    again = start(mode, port=server.port, ready=False, REUSE_ADDRESS=reuse)
    if reuse == "1":
        again.wait_for("ready")
        again.check_service()
    else:
        assert again.process.wait(WITHIN) == 1
        assert "Address already in use" in again.events("listen_failed")[0].fields["error"]


@pytest.mark.parametrize("mode", SUPERVISED)
def test_the_backlog_is_the_modes_own_unless_asked_for(start, mode):
    """The article's 5, but far more where nobody should have to wait; BACKLOG overrides it."""
    assert start(mode).events("listening")[0].fields["backlog"] == MODULES[mode].BACKLOG
    assert start(mode, BACKLOG="7").events("listening")[0].fields["backlog"] == 7


@pytest.mark.parametrize("mode", MODES)
def test_one_that_never_serves_can_be_closed(mode):
    """What is tried before a lab is touched: bound, and closed again (server/preflight.py)."""
    port = free_port()
    knobs = settings.read({**KNOBS, **files_variable(), "SERVER_MODE": mode, "PORT": str(port)})
    MODULES[mode].build(knobs, Connections()).server_close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), WITHIN)


def test_it_listens_where_it_was_told(start):
    """A name is resolved; an address that is not ours is said, with exit status 1."""
    assert start("threading", LISTEN="localhost").events("listening")[0].fields["address"] == "127.0.0.1"
    assert start("threading", LISTEN="").events("listening")[0].fields["address"] == "0.0.0.0"


@pytest.mark.parametrize(
    ("mode", "listen", "why"),
    [
        ("pool", "192.0.2.1", "Cannot assign requested address: it is no address of this host"),
        ("greeting", "198.51.100.7", "Cannot assign requested address: it is no address of this host"),
        ("threading", "no-such-host.invalid", "Name or service not known"),
        ("selectors", "a..b", "Name or service not known"),
    ],
)
def test_where_it_cannot_listen_is_said(start, mode, listen, why):
    """The knob, its value, and the reason; exit status 1."""
    server = start(mode, LISTEN=listen, ready=False)
    assert server.process.wait(WITHIN) == 1
    (failure,) = server.events("listen_failed")
    assert failure.fields["address"] == listen
    error = rf"LISTEN='{listen}' PORT={server.port}: \[Errno -?\d+\] {why}"
    assert re.fullmatch(error, failure.fields["error"])
