"""How a connection ends, by either side, and what churn tells of it."""

import socket
import struct
from contextlib import contextmanager

import pytest

from connlab.base.wait import until
from tests.support.ports import free_port
from tests.unit.client.processes import WITHIN, accept, listening, log_events


@contextmanager
def connected(client):
    """Have an agent connect to a listener, which is open for as long as the connection."""
    with listening() as (listener, port):
        client.ask("open", host="127.0.0.1", port=port)
        with accept(listener) as connection:
            yield connection


def test_fin_is_answered(agent):
    """`fin` waits for the server's FIN, and says when it did not come."""
    client = agent()
    with listening() as (listener, port):
        client.ask("open", host="127.0.0.1", port=port, count=2)
        with accept(listener) as polite, accept(listener) as silent:
            client.send(verb="close", timeout_ms=300)
            assert (polite.recv(1), silent.recv(1)) == (b"", b"")
            polite.close()
            assert [end["peer"] for end in next(client.answers)["closed"]] == ["fin", "timeout"]
    assert client.ask("facts")["held"] == 0


def test_rst_is_a_reset(agent):
    """`rst`: the server's recv(2) fails with ECONNRESET (kernel.md O07)."""
    client = agent()
    with connected(client) as connection:
        assert client.ask("close", how="rst")["closed"] == [{"conn": 1, "peer": "none", "us": 0}]
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_half_closed_still_listens(agent):
    """`half`: the server reads the end, but what it sends then still arrives."""
    client = agent()
    with connected(client) as connection:
        assert client.ask("close", how="half")["closed"][0]["peer"] == "none"
        assert connection.recv(1) == b""
        connection.sendall(b"after\x00all")
        connection.shutdown(socket.SHUT_WR)
        received = client.ask("recv")["received"][0]
        assert (received["text"], received["bytes"]) == ("after\\x00all", 9)
    assert client.ask("close")["closed"][0]["peer"] == "fin"


@pytest.mark.parametrize("unread", [b"", b"never read"])
def test_dropped_is_left_to_the_kernel(agent, unread):
    """`drop`: FIN, though the server has not closed; but an RST if there was something to read (kernel.md T15)."""
    client = agent()
    with connected(client) as connection:
        connection.sendall(unread)
        assert client.ask("close", how="drop")["closed"] == [{"conn": 1, "peer": "none", "us": 0}]
        assert client.ask("facts")["held"] == 0
        if unread:
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
        else:
            assert connection.recv(1) == b""
    assert [event["how"] for event in log_events(client.process) if event["event"] == "released"] == ["drop"]


def test_a_reset_is_noticed(agent):
    """After the server's RST, recv shows it, send fails, and close says who ended it."""
    client = agent()
    with connected(client) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert client.ask("recv")["received"][0]["errno"] == "ECONNRESET"
    assert client.ask("send")["sent"] == [{"conn": 1, "bytes": 0, "errno": "EPIPE"}]
    assert client.ask("close")["closed"][0]["peer"] == "reset"


def test_who_was_ended_by_the_other_side_is_counted(agent):
    """`facts`: by FIN, with data before it, by RST, also one that was read.

    Not a listener, nor what we closed half, nor one whose other side has said something and stays.

    Counting takes nothing: what came before the FIN is read afterwards, and so is the error.
    """
    client = agent()
    with listening() as (listener, port):
        client.ask("listen")
        client.ask("open", host="127.0.0.1", port=port, count=5)
        silent, said, reset, half, kept = (accept(listener) for _ in range(5))
        client.ask("close", conns=[5], how="half")
        kept.sendall(b"nobody reads this")
        until_counted(client, 6, 0)
        silent.close()
        said.sendall(b"last words")
        said.close()
        until_counted(client, 6, 2)
        reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        reset.close()
        until_counted(client, 6, 3)
        read = client.ask("recv", conns=[2, 3, 4])["received"]
        ends = [("", None), ("last words", None), ("", "ECONNRESET")]
        assert [(each["text"], each["errno"]) for each in read] == ends
        until_counted(client, 6, 3)
        half.close()
        until_counted(client, 6, 4)
        kept.close()


def until_counted(client, held, ended):
    """Wait until an agent says that it holds so many, and that the other side has ended so many of them."""
    told = {"held": held, "ended": ended}
    until(lambda: told.items() <= client.ask("facts").items(), f"the agent tells {told}", WITHIN)


def test_send_never_blocks(agent):
    """A peer that does not read: the buffers take some, then EAGAIN."""
    client = agent()
    with listening() as (_, port):
        client.ask("open", host="127.0.0.1", port=port)
        (sent,) = client.ask("send", bytes=2**24)["sent"]
    assert 0 < sent["bytes"] < 2**24
    assert sent["errno"] == "EAGAIN"


def test_recv_waits_no_longer_than_told(agent, echo):
    """Nothing to read is an answer too."""
    client = agent()
    client.ask("open", host="127.0.0.1", port=echo)
    assert client.ask("recv")["received"][0]["text"] == "welcome\\x0a"
    nothing = {"conn": 1, "bytes": 0, "text": "", "eof": False, "errno": "EAGAIN"}
    assert client.ask("recv", timeout_ms=10)["received"] == [nothing]


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_churn_counts(agent, echo, how):
    """Open, message, close, over and over; each attempt is in the log."""
    client = agent()
    answer = client.ask("churn", host="127.0.0.1", port=echo, count=20, how=how, message="ping")
    assert answer["tally"] == {"established": 20}
    assert client.ask("facts")["held"] == 0
    assert [event["event"] for event in log_events(client.process)] == ["agent", *["attempt"] * 20, "tally"]


def test_churn_tells_each_connection_if_asked(agent, echo):
    """`detail`: attempts as of `open`, in order, none held, each closed before the next is dialled."""
    client = agent()
    opened = client.ask("open", host="127.0.0.1", port=echo)["attempts"][0]
    answer = client.ask("churn", host="127.0.0.1", port=echo, count=5, detail=True)
    attempts = answer["attempts"]
    assert [(attempt["outcome"], attempt["conn"]) for attempt in attempts] == [("established", None)] * 5
    assert {frozenset(attempt) for attempt in attempts} == {frozenset({*opened, "closed_ns"})}
    moments = [moment for each in attempts for moment in (each["start_ns"], each["closed_ns"])]
    assert len(set(moments)) == 10
    assert moments == sorted(moments)
    assert all(each["closed_ns"] >= each["start_ns"] + each["us"] * 1000 for each in attempts)
    assert client.ask("churn", host="127.0.0.1", port=echo, count=1).keys() == {
        "id", "ok", "tally", "seconds",
    }  # fmt: skip


def test_what_churn_did_not_open_was_not_closed(agent):
    """A refused attempt has no `closed_ns`."""
    answer = agent().ask("churn", host="127.0.0.1", port=free_port(), count=2, detail=True)
    assert answer["tally"] == {"refused": 2}
    assert [attempt["closed_ns"] for attempt in answer["attempts"]] == [None, None]


def test_a_gap_parts_the_connections_of_churn(agent, echo):
    """With gap_ms a dial starts no sooner than that after the close before.

    Nothing waits before the first or after the last.
    """
    client = agent()
    answer = client.ask("churn", host="127.0.0.1", port=echo, count=3, gap_ms=20, detail=True)
    closed = [attempt["closed_ns"] for attempt in answer["attempts"]]
    starts = [attempt["start_ns"] for attempt in answer["attempts"]]
    assert all(start - end >= 20_000_000 for end, start in zip(closed, starts[1:], strict=False))
    assert client.ask("churn", host="127.0.0.1", port=echo, count=1, gap_ms=600_000)["seconds"] < WITHIN
