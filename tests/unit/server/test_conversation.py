"""A conversation with the server: what it answers, and what it tells of it."""

from __future__ import annotations

import pytest

from tests.unit.server.process import echo, receive


def test_a_conversation_is_echoed_and_told(server):
    """Every byte comes back; the log has the three events, each of the right size and source."""
    with server.dial() as sock:
        source = sock.getsockname()[1]
        assert echo(sock, b"hello") == b"hello"
        assert echo(sock, b"x" * 5000) == b"x" * 5000
    (closed,) = server.wait_for("closed")
    (accepted,), messages = server.events("accepted"), server.events("message")
    assert accepted.fields == {"source": "127.0.0.1", "source_port": source, "open": 1}
    assert messages[0].fields == {"source": "127.0.0.1", "source_port": source, "bytes": 5, "text": "hello"}
    assert sum(message.fields["bytes"] for message in messages) == 5005
    assert max(message.fields["bytes"] for message in messages) <= 1024
    assert closed.fields.pop("seconds") >= 0
    assert closed.fields == {
        "source": "127.0.0.1", "source_port": source, "bytes_in": 5005, "bytes_out": 5005, "by": "client",
    }  # fmt: skip


def test_open_counts_the_connections_of_a_source(server):
    """The `open` of `accepted` includes the newcomer, and goes down when one is closed."""
    with server.dial():
        # Each is written by its own thread, so two at once may be written either way round.
        server.wait_for("accepted")
        with server.dial():
            assert [event.fields["open"] for event in server.wait_for("accepted", 2)] == [1, 2]
    server.wait_for("closed", 2)
    with server.dial():
        assert server.wait_for("accepted", 3)[-1].fields["open"] == 1


def test_a_greeting_comes_first(start):
    """GREETING is a line to each new connection, before anything is asked."""
    greeted = start(GREETING="welcome, $USER")
    with greeted.dial() as sock:
        assert receive(sock, 15) == b"welcome, $USER\n"
        assert echo(sock, b"hi") == b"hi"
    assert greeted.wait_for("closed")[0].fields["bytes_out"] == 17


def test_without_a_greeting_nothing_comes_first(server):
    """The control: the first bytes are the echo."""
    with server.dial() as sock:
        assert echo(sock, b"hi") == b"hi"


@pytest.mark.parametrize(("knob", "backlog"), [("", 1024), ("7", 7), ("0", 0)])
def test_listening_says_what_was_asked_for(start, knob, backlog):
    """The backlog is the knob's, or the mode's own where the knob is empty."""
    listener = start(LISTEN="", BACKLOG=knob, REUSE_ADDRESS="0")
    (event,) = listener.events("listening")
    assert event.fields == {
        "address": "0.0.0.0", "port": listener.port, "mode": "threading", "backlog": backlog, "reuse_address": False,
    }  # fmt: skip
