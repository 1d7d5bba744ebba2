"""The harness's own red path: it gives up aloud, and takes nothing unknown for something known."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lab import wait
from lab.errors import GaveUp
from lab.stream import Stream, StreamClosed
from lab.traffic import Agent, AgentFailed, agents

HOME = Path(__file__).parents[2]
OUT, ERR = 1, 2
SOON, AT_ONCE = 5.0, 0.01  # seconds
HELLO = {"agent": "connlab", "schema": 1, "host": "client-1", "address": "172.18.0.3", "monotonic_ns": 1}
DIALLED = {
    "conn": 1, "outcome": "established", "errno": None, "source": "172.18.0.3", "source_port": 50001,
    "target": "172.18.0.2", "target_port": 12345, "start_ns": 1, "us": 100,
}  # fmt: skip


def frame(payload: bytes, kind: int = OUT) -> bytes:
    """A frame of the engine: which stream, how long, and the bytes."""
    return struct.pack(">BxxxI", kind, len(payload)) + payload


@pytest.fixture
def pair():
    """A stream, and the engine's end of it."""
    ours, engine = socket.socketpair()
    with engine, Stream(ours, "client-1: agent") as stream:
        yield stream, engine


@pytest.fixture
def clock(monkeypatch):
    """A clock that only sleeping moves."""
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(wait, "time", now)
    now.monotonic = lambda: now.seconds
    now.sleep = lambda seconds: setattr(now, "seconds", now.seconds + seconds)
    return now


def test_waiting_ends_with_what_was_waited_for():
    """The value itself comes back, as soon as it is true."""
    values = iter([None, 0, "", "ready"])
    assert wait.until(lambda: next(values), "it is ready", SOON, every=0.001) == "ready"


def test_giving_up_tells_why_and_what_was_seen(clock):
    """The reason, the time, and the last value: enough to start looking."""
    seen = iter(range(100))
    with pytest.raises(GaveUp) as late:
        wait.until(lambda: [][next(seen) :], "all hosts are ready", within=2, every=1)
    assert str(late.value) == "gave up after 2 s waiting until all hosts are ready; last seen: []"
    assert late.value.status == 4


def test_one_more_look_after_the_deadline(clock):
    """A look that took longer than the deadline is not the last: a slow machine gets one more."""
    looks = []

    def slow() -> bool:
        looks.append(clock.seconds)
        clock.seconds += 5
        return len(looks) == 2

    assert wait.until(slow, "it is there", within=1, every=0.5)
    assert looks == [0, 5.5]


def test_giving_up_has_its_last_look_after_the_deadline(clock):
    """Never before, and only one."""
    looks = []
    with pytest.raises(GaveUp):
        wait.until(lambda: looks.append(clock.seconds), "never", within=2, every=1.5)
    assert looks == [0, 1.5, 3]


def test_an_error_in_a_condition_is_not_waited_out():
    """A condition that fails is broken, not false."""
    with pytest.raises(ZeroDivisionError):
        wait.until(lambda: 1 / 0, "never", SOON)


def test_lines_arrive_however_they_are_cut(pair):
    """Cut at every byte, frames and lines and letters are put together again; the two streams stay apart."""
    stream, engine = pair
    data = (
        frame("erste é".encode()[:8])
        + frame(b"aside\n", ERR)
        + frame("erste é".encode()[8:] + b"\nsec")
        + frame(b"ond\n")
    )
    for cut in range(len(data) + 1):
        engine.sendall(data[:cut])
        with contextlib.suppress(GaveUp):
            stream.read_line(0)  # takes in what is there; the line is whole only at the end
            assert cut > 8
            engine.sendall(data[cut:])
            assert stream.read_line(SOON) == "second"
            continue
        engine.sendall(data[cut:])
        assert (stream.read_line(SOON), stream.read_line(SOON)) == ("erste é", "second"), f"cut at {cut}"


def test_a_line_byte_by_byte(pair):
    """The worst the network may do."""
    stream, engine = pair
    for number in frame(b"slow\n"):
        engine.sendall(bytes([number]))
    assert stream.read_line(SOON) == "slow"


def test_several_lines_in_one_frame(pair):
    """Each is given once, in order, and an empty one is one."""
    stream, engine = pair
    engine.sendall(frame(b"one\n\nthree\n"))
    assert [stream.read_line(SOON) for _ in range(3)] == ["one", "", "three"]


def test_silence_is_told_with_its_name(pair):
    """Who did not answer, and how long they had; half a line is no answer."""
    stream, engine = pair
    engine.sendall(frame(b"half a li"))
    with pytest.raises(GaveUp, match=r"client-1: agent did not answer within 0\.01 s"):
        stream.read_line(AT_ONCE)


def test_a_line_after_silence_is_whole(pair):
    """Giving up loses nothing of what had come."""
    stream, engine = pair
    engine.sendall(frame(b"half a li"))
    with pytest.raises(GaveUp):
        stream.read_line(AT_ONCE)
    engine.sendall(frame(b"ne\n"))
    assert stream.read_line(SOON) == "half a line"


def test_an_end_is_told_with_its_last_words(pair):
    """The other side is gone: what it wrote on standard error is in the message."""
    stream, engine = pair
    engine.sendall(frame(b"PORT='x' is not a number\n", ERR))
    engine.shutdown(socket.SHUT_WR)
    with pytest.raises(StreamClosed) as ended:
        stream.read_line(SOON)
    assert str(ended.value) == "client-1: agent ended: PORT='x' is not a number"


@pytest.mark.parametrize(
    "read", [lambda stream: stream.read_line(SOON), Stream.read_all], ids=["line", "all"]
)
def test_a_connection_that_breaks_off_is_an_end(pair, read):
    """The engine closes with our request unread (ECONNRESET): the same words, and what came before."""
    stream, engine = pair
    stream.write("never read")
    engine.sendall(frame(b"engine goes down\n", ERR))
    engine.close()
    with pytest.raises(StreamClosed, match="client-1: agent ended: engine goes down"):
        read(stream)


def test_lines_before_the_end_are_still_given(pair):
    """An end does not swallow an answer that came before it."""
    stream, engine = pair
    engine.sendall(frame(b"last\n"))
    engine.shutdown(socket.SHUT_WR)
    assert stream.read_line(SOON) == "last"
    with pytest.raises(StreamClosed):
        stream.read_line(SOON)


def test_writing_to_nobody_is_told(pair):
    """A request to an agent that is gone does not vanish."""
    stream, engine = pair
    engine.close()
    with pytest.raises(StreamClosed):
        stream.write("{}")


def agent_of(*answers: object) -> tuple[SimpleNamespace, socket.socket]:
    """A host whose agent has already said hello and then `answers`, and the engine's end."""
    ours, engine = socket.socketpair()
    engine.sendall(b"".join(frame(json.dumps(answer).encode() + b"\n") for answer in (HELLO, *answers)))
    return SimpleNamespace(name="client-1", stream=lambda _: Stream(ours, "client-1: agent")), engine


def test_an_agent_dials_and_tells():
    """The control: the request goes out as docs/agent.md has it, the answer becomes attempts."""
    host, engine = agent_of({"id": 1, "ok": True, "attempts": [DIALLED]})
    with engine, Agent(host) as agent:
        assert agent.hello == HELLO
        assert [attempt.source_port for attempt in agent.open(1)] == [50001]
        sent = json.loads(engine.recv(4096))
        assert (sent["id"], sent["verb"], sent["count"]) == (1, "open", 1)


def test_a_refused_request_is_the_agent_s_own_words():
    """`"ok": false` is an error here too; the stream is still good."""
    refusal = {"id": 1, "ok": False, "error": "count: expected a whole number, got 0"}
    host, engine = agent_of(refusal, {"id": 2, "ok": True, "held": 0})
    with engine, Agent(host) as agent:
        with pytest.raises(AgentFailed, match="client-1: count: expected a whole number, got 0"):
            agent.open(0)
        assert agent.ask("facts")["held"] == 0


@pytest.mark.parametrize("outcome", ["vanished", "", None, "ESTABLISHED"])
def test_an_unknown_outcome_is_loud(outcome):
    """An agent of another version does not make an experiment green."""
    host, engine = agent_of({"id": 1, "ok": True, "attempts": [{**DIALLED, "outcome": outcome}]})
    with engine, Agent(host) as agent, pytest.raises(ValueError, match="is not a valid Outcome"):
        agent.open(1)


def test_an_agent_that_does_not_answer_is_given_up():
    """Silence ends with the name of the host."""
    host, engine = agent_of()
    with engine, Agent(host) as agent, pytest.raises(GaveUp, match="client-1"):
        agent.ask("facts", within=AT_ONCE)


def test_a_late_answer_is_not_taken_for_the_next_one():
    """After giving up on request 1, its answer comes: it is not the answer to request 2."""
    host, engine = agent_of()
    with engine, Agent(host) as agent:
        with pytest.raises(GaveUp):
            agent.ask("open", within=AT_ONCE)
        for number in (1, 2):
            engine.sendall(frame(json.dumps({"id": number, "ok": True}).encode() + b"\n"))
        assert agent.ask("facts", within=SOON)["id"] == 2


def test_closing_an_agent_ends_its_command():
    """The engine's end reads the end of the stream, and with it the agent releases what it held."""
    host, engine = agent_of()
    with engine:
        with Agent(host):
            pass
        assert engine.recv(1) == b""


def test_agents_are_closed_whatever_happens():
    """Also when the experiment fails halfway."""
    hosts, engines = zip(*(agent_of() for _ in range(3)), strict=True)
    with pytest.raises(ZeroDivisionError), agents(hosts) as opened:
        raise ZeroDivisionError(len(opened))
    assert [engine.recv(1) for engine in engines] == [b""] * 3
    for engine in engines:
        engine.close()


def test_no_tests_are_not_green():
    """A run that finds nothing to run says so with 5, not 0 (a typing error in `-k`, say)."""
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "no_such_test"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [*argv, "tests/unit/test_kernels.py"],
        cwd=HOME,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 5, done.stdout
