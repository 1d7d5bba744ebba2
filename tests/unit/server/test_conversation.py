"""A conversation with the server: what it answers, and what it tells of it."""

from __future__ import annotations

import pytest

from tests.unit.server.process import dial, echo, heard, receive, said


def test_a_conversation_is_echoed_and_told(server):
    """Every byte comes back; the log has the three events, each of the right size and source."""
    with dial(server) as sock:
        source = sock.getsockname()[1]
        assert echo(sock, b"hello") == b"hello"
        assert echo(sock, b"x" * 5000) == b"x" * 5000
    (closed,) = heard(server, "closed")
    (accepted,), messages = said(server, "accepted"), said(server, "message")
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
    with dial(server):
        heard(
            server, "accepted"
        )  # each is told by its own thread, so two at once may be told either way round
        with dial(server):
            assert [event.fields["open"] for event in heard(server, "accepted", 2)] == [1, 2]
    heard(server, "closed", 2)
    with dial(server):
        assert heard(server, "accepted", 3)[-1].fields["open"] == 1


def test_a_greeting_comes_first(start):
    """GREETING is a line to each new connection, before anything is asked."""
    greeted = start(GREETING="welcome, $USER")
    with dial(greeted) as sock:
        assert receive(sock, 15) == b"welcome, $USER\n"
        assert echo(sock, b"hi") == b"hi"
    assert heard(greeted, "closed")[0].fields["bytes_out"] == 17


def test_without_a_greeting_nothing_comes_first(server):
    """The control: the first bytes are the echo."""
    with dial(server) as sock:
        assert echo(sock, b"hi") == b"hi"


@pytest.mark.parametrize(("knob", "backlog"), [("", 1024), ("7", 7), ("0", 0)])
def test_listening_says_what_was_asked_for(start, knob, backlog):
    """The backlog is the knob's, or the mode's own where the knob is empty."""
    listener = start(BACKLOG=knob, REUSE_ADDRESS="0")
    (event,) = said(listener, "listening")
    assert event.fields == {
        "address": "0.0.0.0", "port": listener.port, "mode": "threading", "backlog": backlog, "reuse_address": False,
    }  # fmt: skip
