"""`churn` with several connections in flight: what each came to is what one at a time would have come to."""

from __future__ import annotations

import errno
import socket
import threading
from collections import Counter
from contextlib import suppress

import pytest

from tests.support.ports import free_port
from tests.unit.client.processes import log_events


@pytest.fixture
def three_at_once():
    """Return the port of a server that echoes only once it has three connections."""
    together = threading.Barrier(3, timeout=20)

    def talk(connection: socket.socket, number: int) -> None:
        with connection, suppress(ConnectionError):
            if number < 3:
                together.wait()  # three are there at one time
            while data := connection.recv(1024):
                connection.sendall(data)

    def serve() -> None:
        for number in range(1000):
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=[connection, number], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_several_are_under_way_at_once(agent, three_at_once, how):
    """Three at a time: the first echo comes only when three are there; each is told, in order of dialling."""
    client, port = agent(), three_at_once
    answer = client.ask("churn", host="127.0.0.1", port=port, count=20, in_flight=3, how=how, message="ping",
                        detail=True, timeout_ms=20_000)  # fmt: skip
    assert answer["tally"] == {"established": 20}
    attempts = answer["attempts"]
    assert [attempt["number"] for attempt in attempts] == list(range(1, 21))
    assert all(attempt["closed_ns"] >= attempt["start_ns"] + attempt["us"] * 1000 for attempt in attempts)
    under_way = [
        sum(other["start_ns"] <= each["start_ns"] < other["closed_ns"] for other in attempts)
        for each in attempts
    ]
    assert max(under_way) == 3
    assert client.ask("facts")["held"] == 0
    assert Counter(event["event"] for event in log_events(client.process))["attempt"] == 20


def test_refused_ones_are_told(agent):
    """Nobody listens there: each has its outcome and its errno, and none was closed."""
    answer = agent().ask("churn", host="127.0.0.1", port=free_port(), count=9, in_flight=4, detail=True)
    assert answer["tally"] == {"refused": 9}
    assert {(each["errno"], each["closed_ns"]) for each in answer["attempts"]} == {("ECONNREFUSED", None)}


def test_what_nobody_answers_ends_in_time(agent):
    """listen(0) admits one; the SYNs of others are dropped, and the deadline of each dial ends it."""
    client = agent()
    port = client.ask("listen", backlog=0, address="127.0.0.1")["port"]
    target = {"host": "127.0.0.1", "port": port, "timeout_ms": 100}
    assert client.ask("open", **target)["attempts"][0]["outcome"] == "established"
    assert client.ask("churn", **target, count=5, in_flight=3)["tally"] == {"timed_out": 5}


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_one_that_is_never_served_is_closed_in_time(agent, how):
    """Connected, no echo, no FIN of the other side: established all the same, as one at a time."""
    client = agent()
    port = client.ask("listen", backlog=64, address="127.0.0.1")["port"]
    answer = client.ask("churn", host="127.0.0.1", port=port, count=4, in_flight=2, how=how, message="ping",
                        timeout_ms=50, detail=True)  # fmt: skip
    assert answer["tally"] == {"established": 4}
    assert all(attempt["closed_ns"] - attempt["start_ns"] >= 50_000_000 for attempt in answer["attempts"])


def test_a_reset_in_mid_message_is_told(agent):
    """A server that resets each connection: `reset`, with its errno."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.recv(1)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                connection.close()

    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        threading.Thread(target=serve, daemon=True).start()
        answer = agent().ask("churn", host="127.0.0.1", port=listener.getsockname()[1], count=6, in_flight=3,
                             message="ping")  # fmt: skip
        listener.shutdown(socket.SHUT_RDWR)
    assert answer["tally"] == {"reset": 6}


def test_a_pause_is_for_one_at_a_time(agent):
    """With several in flight nobody would know between which two it is."""
    answer = agent().ask("churn", host="127.0.0.1", port=9, in_flight=2, gap_ms=5)
    assert answer["ok"] is False
    assert answer["error"].startswith("gap_ms: ")


@pytest.mark.parametrize(("how", "end"), [("fin", b""), ("rst", "ECONNRESET")])
def test_the_other_side_sees_how_each_is_closed(agent, how, end):
    """After the echo a FIN, or a reset."""
    ends: list[bytes | str] = []

    def serve() -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            with connection:
                connection.sendall(connection.recv(1024))
                try:
                    ends.append(connection.recv(1024))
                except OSError as error:
                    ends.append(errno.errorcode[error.errno or 0])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, daemon=True)
        server.start()
        answer = agent().ask("churn", host="127.0.0.1", port=listener.getsockname()[1], count=2, in_flight=2,
                             how=how, message="ping")  # fmt: skip
        server.join(20)
    assert answer["tally"] == {"established": 2}
    assert ends == [end, end]
