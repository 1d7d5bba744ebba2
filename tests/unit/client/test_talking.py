"""The agent's `talk`: requests and their answers, in the closed and the open loop."""

from __future__ import annotations

import random
import socket
import struct
import threading
from contextlib import contextmanager, suppress
from functools import partial

import pytest

from client.histogram import bucket, longest, percentile
from tests.unit.client.processes import WITHIN, accept, listening

SILENT = threading.Event()  # is never set


@contextmanager
def served(client, *serve):
    """Have an agent open a connection for each of these functions, which serve them, each in a thread."""
    with listening(backlog=128) as (listener, port):
        client.ask("open", host="127.0.0.1", port=port, count=len(serve))
        threads = []
        for each in serve:
            connection = accept(listener)
            threads.append(threading.Thread(target=each, args=[connection], daemon=True))
        for thread in threads:
            thread.start()
        yield
        client.ask("close", how="rst")
        for thread in threads:
            thread.join(WITHIN)


def echo(connection, read=None):
    """Send back what comes, until the other side ends it; `read` is a list that takes it, too."""
    with connection, suppress(OSError):
        while data := connection.recv(1 << 16):
            if read is not None:
                read.append(data)
            connection.sendall(data)


def silent(connection):
    """Read, and say nothing."""
    with connection, suppress(OSError):
        while connection.recv(1 << 16):
            pass


def test_the_closed_loop(agent):
    """So many requests in all; the times are those of all of them, whatever came before the first."""
    client = agent()
    with listening() as (listener, port):
        client.ask("open", host="127.0.0.1", port=port)
        connection = accept(listener)
        connection.sendall(b"welcome\n")  # is there before anything is asked
        threading.Thread(target=echo, args=[connection], daemon=True).start()
        answer = client.ask("talk", count=50)
        client.ask("close", how="rst")
    assert (answer["sent"], answer["answered"], answer["unsent"], answer["failed"]) == (50, 50, 0, [])
    buckets, latency = answer["histogram"], answer["latency_ns"]
    assert sum(count for _, count in buckets) == 50
    assert buckets == sorted(buckets)
    assert buckets[-1][0] == bucket(latency["max"])
    assert 0 < latency["p50"] <= latency["p99"] <= latency["p99_9"] <= latency["max"]
    assert latency["max"] <= answer["seconds"] * 1e9


def test_without_a_count_each_connection_is_asked_once(agent):
    """Proof that all of them are alive."""
    read = []
    serve = partial(echo, read=read)
    client = agent()
    with served(client, *[serve] * 70):
        answer = client.ask("talk", bytes=3)
    assert (answer["sent"], answer["answered"]) == (70, 70)
    assert read == [b"xxx"] * 70


@pytest.mark.parametrize("rate", [None, 1_000_000])
def test_a_connection_has_one_request_at_a_time(agent, rate):
    """Also where more are due than the server answers."""
    read = []
    serve = partial(echo, read=read)
    client = agent()
    with served(client, serve, serve):
        answer = client.ask("talk", bytes=4, count=300, rate=rate)
    assert answer["answered"] == 300
    assert read == [b"xxxx"] * 300


def test_a_message_that_is_larger_than_the_buffers_comes_back_whole(agent):
    """What send(2) does not take at once, because nobody reads yet, goes out when there is room."""

    def late(connection):
        SILENT.wait(0.1)
        echo(connection)

    client = agent()
    with served(client, late):
        answer = client.ask("talk", bytes=2**22, count=2, timeout_ms=10_000)
    assert (answer["answered"], answer["failed"]) == (2, [])


def test_the_open_loop_counts_from_when_a_request_was_due(agent):
    """The server stands still for 0.3 s: whatever was due in the first half of it took at least the other half.

    In a closed loop only one would have met that.
    """
    number = []

    def serve(connection):
        with connection, suppress(OSError):
            while data := connection.recv(1):
                number.append(1)
                if len(number) == 5:
                    SILENT.wait(0.3)
                connection.sendall(data)

    client = agent()
    with served(client, serve):
        answer = client.ask("talk", count=40, rate=100)
    assert (answer["sent"], answer["answered"]) == (40, 40)
    assert sum(count for low, count in answer["histogram"] if longest(low) >= 150_000_000) >= 15
    assert answer["latency_ns"]["max"] >= 300_000_000
    assert answer["seconds"] >= 0.39  # the 40th is not due sooner


def test_what_could_not_begin_in_time_is_told(agent):
    """20 are due in 200 ms; the only connection gets no answer to the first one."""
    client = agent()
    with served(client, silent):
        answer = client.ask("talk", duration_ms=200, rate=100, timeout_ms=100)
    assert (answer["sent"], answer["answered"], answer["unsent"]) == (1, 0, 19)
    assert answer["failed"] == [{"conn": 1, "why": "timed_out"}]
    assert (answer["latency_ns"], answer["histogram"]) == (None, [])


def test_a_duration_ends_the_closed_loop(agent):
    """As many as there was time for; each is answered."""
    client = agent()
    with served(client, echo, echo):
        answer = client.ask("talk", duration_ms=50)
    assert answer["sent"] == answer["answered"] >= 2
    assert answer["unsent"] == 0
    assert answer["seconds"] >= 0.05


def test_a_connection_that_fails_takes_no_more_part(agent):
    """Each with why; they stay held, and what the others answer counts."""

    def reset(connection):
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    def hang_up(connection):
        connection.recv(1)
        connection.close()

    def lie(connection):
        connection.sendall(connection.recv(1).upper())
        silent(connection)

    def chatter(connection):
        connection.sendall(connection.recv(1) * 2)
        silent(connection)

    client = agent()
    with served(client, reset, hang_up, lie, chatter, silent, echo):
        answer = client.ask("talk", count=20, timeout_ms=200)
        assert {each["conn"]: each["why"] for each in answer["failed"]} == {
            1: "reset", 2: "closed", 3: "wrong", 4: "wrong", 5: "timed_out",
        }  # fmt: skip
        assert (answer["sent"], answer["answered"], answer["unsent"]) == (20, 15, 0)
        assert client.ask("facts")["held"] == 6
        assert client.ask("close", conns=[1])["closed"][0]["peer"] == "reset"


def test_there_must_be_somebody_to_talk_to(agent):
    """A listener is nobody."""
    client = agent()
    client.ask("listen")
    assert client.ask("talk")["error"].startswith("conns: no connection is held")


def test_a_bucket_is_narrow():
    """Each time lies in its bucket, which is at most 1/128 of it wide; below 256 ns each has its own."""
    times = [*range(1, 2000), *(random.Random(1).randrange(1, 10**12) for _ in range(2000))]
    for time_ns in times:
        low = bucket(time_ns)
        assert low <= time_ns <= longest(low)
        assert longest(low) - low + 1 <= max(1, time_ns / 128)
        assert bucket(longest(low)) == low
        assert bucket(longest(low) + 1) == longest(low) + 1


@pytest.mark.parametrize("percent", [1, 50, 99, 99.9, 100])
def test_percentiles_are_those_of_the_times(percent):
    """As sorting them says, at most 1/128 longer."""
    times = [int(random.Random(at).lognormvariate(11, 2)) + 1 for at in range(3000)]
    counts: dict[int, int] = {}
    for time_ns in times:
        counts[bucket(time_ns)] = counts.get(bucket(time_ns), 0) + 1
    exact = sorted(times)[-(-len(times) * int(percent * 10) // 1000) - 1]
    assert exact <= percentile(counts, percent) <= exact * (1 + 1 / 128)
