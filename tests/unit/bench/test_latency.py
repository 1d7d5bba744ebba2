"""`make latency`: what is a measurement and what is none, and the echo server beside ours."""

from __future__ import annotations

import socket
import sys

import pytest

from bench import latency, loopback
from connlab.base.errors import LabError
from connlab.base.wait import until
from tests.support.ports import free_port


def answer(**changes):
    cuts = {"p50": 1000, "p99": 2000, "p99_9": 3000, "max": 4000}
    return {"sent": 10, "answered": 10, "failed": [], "seconds": 2.0, "latency_ns": cuts, **changes}


@pytest.mark.parametrize(
    ("attempts", "talked"),
    [
        (63, {}),
        (64, {"answered": 9}),
        (64, {"failed": [{"conn": 1, "why": "timeout"}]}),
    ],
)
def test_a_request_without_an_answer_is_no_measurement(attempts, talked):
    """Nor are fewer connections: figures of two servers would be of different work."""
    answers = {"open": {"attempts": [{}] * attempts}, "talk": answer(**talked), "close": {}}
    with pytest.raises(LabError, match="talk to port 1"):
        latency._talk(lambda verb, **_: answers[verb], 1, {})


def test_a_figure_is_that_of_the_median_round():
    """In microseconds; answers a second by the time that they took."""
    rounds = [
        answer(answered=number, latency_ns=dict.fromkeys(latency.PERCENTILES, number * 1000))
        for number in (10, 30, 20)
    ]
    assert latency._times("prefork", "open", rounds) == ("prefork", "open", 10, 20, 20, 20, 20)


def test_the_echo_server_sends_back_what_comes():
    """By asyncio's own loop, which is there everywhere."""
    port = free_port()
    with loopback.running([sys.executable, "-m", "bench.echo_server", "asyncio", str(port)], {}):
        until(lambda: loopback.listens(port), "the echo server listens", within=20)
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(b"hello")
            assert client.recv(16) == b"hello"
