"""A command's output as lines, however it is cut, and its end in words."""

from __future__ import annotations

import contextlib
import socket
from types import SimpleNamespace

import pytest

from connlab.base.errors import GaveUp
from connlab.cluster import stream as stream_module
from connlab.cluster.stream import Stream, StreamClosed
from tests.support.frames import ERR, frame

SOON, AT_ONCE = 10.0, 0.01  # seconds


@pytest.fixture
def pair():
    """Return a stream, and the engine's end of it."""
    ours, engine = socket.socketpair()
    with engine, Stream(ours, "client-1: agent") as stream:
        yield stream, engine


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


def test_who_never_ceases_to_speak_has_its_time(pair, monkeypatch):
    """Lines come for so long in all, and no longer, though another one is there."""
    stream, engine = pair
    engine.sendall(frame(b"one\ntwo\n"))
    now = [0.0]
    monkeypatch.setattr(stream_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    lines = stream.lines(SOON)
    assert next(lines) == "one"
    now[0] = SOON
    with pytest.raises(GaveUp, match="client-1: agent still spoke after 10 s"):
        next(lines)


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
    with pytest.raises(StreamClosed) as end:
        stream.read_line(SOON)
    assert str(end.value) == "client-1: agent ended: PORT='x' is not a number"


def test_an_end_without_words_says_that(pair):
    """Nothing stands behind the colon of one that was killed but that it said nothing."""
    stream, engine = pair
    engine.shutdown(socket.SHUT_WR)
    with pytest.raises(StreamClosed, match="client-1: agent ended: it said nothing of why; was it killed"):
        stream.read_line(SOON)


@pytest.mark.parametrize(
    "read", [lambda stream: stream.read_line(SOON), lambda stream: stream.read_all(SOON)], ids=["line", "all"]
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
