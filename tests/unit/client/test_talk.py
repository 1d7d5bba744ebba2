"""The interactive client as a real process on loopback: what it sends, shows, and ends with.

client.talk ── 127.0.0.1 ── a server in this test
"""

import os
import select
import signal
import socket
import subprocess
import sys

import pytest

from client.attempt import Attempt
from client.screen import refusal
from connlab.machine import events
from tests.unit.client.processes import WITHIN


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(WITHIN)
        yield server


@pytest.fixture
def start(run, listener):
    """Start the client, with three pipes, to dial the listener of this test."""
    port = str(listener.getsockname()[1])
    return lambda *options: run("-m", "client.talk", *options, stderr=subprocess.PIPE, PORT=port)


def read_until(stream, text):
    """Read a pipe up to and with this text."""
    data, searched = bytearray(), 0
    while data.find(text, searched) < 0:
        searched = max(0, len(data) - len(text))
        assert select.select([stream], [], [], WITHIN)[0], f"{data!r}, and no {text!r} within {WITHIN} s"
        part = os.read(stream.fileno(), 65_536)
        assert part, f"the end after {data!r}, without {text!r}"
        data += part
    return bytes(data)


def test_lines_go_out_as_typed_and_come_back_escaped(start, listener):
    """No newline is sent; an echo with control characters cannot reach the terminal."""
    client = start()
    client.stdin.write("wörld\n\n\x1b[2Jlast".encode())
    client.stdin.close()
    peer, _ = listener.accept()
    with peer:
        received = b""
        while data := peer.recv(1024):
            received += data
            peer.sendall(data)
    assert received == "wörld\x1b[2Jlast".encode()
    assert client.stdout.read().decode() == "wörld\n\\x1b[2Jlast\n"
    assert client.wait(WITHIN) == 0
    words = client.stderr.read().decode()
    assert "Input msg" not in words
    assert "closed the connection; the server closed too" in words


def test_the_articles_prompt(start, listener):
    """It asks before each line; what comes unasked does not hide the prompt; Ctrl-C is 130."""
    client = start("--prompt")
    peer, _ = listener.accept()
    with peer:
        read_until(client.stdout, b"Input msg and send:")
        peer.sendall(b"welcome\n")
        assert read_until(client.stdout, b"send:") == b"\nwelcome\nInput msg and send:"
        client.stdin.write(b"hello\n")
        client.stdin.flush()
        assert peer.recv(100) == b"hello"
        peer.sendall(b"hello")
        assert read_until(client.stdout, b"send:") == b"hello\nInput msg and send:"
        client.send_signal(signal.SIGINT)
        assert client.wait(WITHIN) == 130
        assert peer.recv(100) == b"", "the server sees a FIN"


def test_more_than_all_buffers_hold(start, listener):
    """Eight megabytes on one line go out and come back whole: it reads while it writes."""
    line = b"x" * 2**23
    client = start()
    peer, _ = listener.accept()
    client.stdin.write(line)
    client.stdin.close()
    with peer:
        size_left = len(line)
        while size_left:
            data = peer.recv(65_536)
            peer.sendall(data)
            size_left -= len(data)
        assert read_until(client.stdout, b"\n") == line + b"\n"
        assert peer.recv(1) == b"", "its FIN, after the end of its input"
    assert client.wait(WITHIN) == 0


@pytest.mark.parametrize(
    ("linger", "message"),
    [
        ((0, 0), b"the server closed the connection (FIN)"),
        ((1, 0), b"the server reset the connection (ECONNRESET)"),
    ],
    ids=["FIN", "RST"],
)
def test_a_server_that_goes_away(start, listener, linger, message):
    """Exit status 1 and how it went, although the keyboard is silent."""
    client = start()
    peer, _ = listener.accept()
    read_until(client.stderr, b"connected to")  # before that, an RST is a failed attempt
    peer.setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, b"".join(n.to_bytes(4, sys.byteorder) for n in linger)
    )
    peer.close()
    assert client.wait(WITHIN) == 1
    assert message in client.stderr.read()


def test_a_server_that_does_not_answer(start, listener):
    """Connected is not served (the accept queue does that): it says so and asks again."""
    client = start("--prompt")
    read_until(client.stdout, b"send:")
    client.stdin.write(b"anybody?\n")
    client.stdin.flush()
    assert read_until(client.stdout, b"send:") == b"(nothing came back within 1 s)\nInput msg and send:"


def test_nobody_listens(start, listener):
    """A refused connection: exit status 1, and where the second witness is."""
    port = listener.getsockname()[1]
    listener.close()
    client = start()
    assert client.wait(WITHIN) == 1
    words = client.stderr.read().decode()
    assert f"127.0.0.1 port {port} refused the connection" in words
    assert "make status" in words


@pytest.mark.parametrize(
    ("outcome", "errno", "words"),
    [
        ("timed_out", None, "did not answer within 2 s"),
        ("unreachable", "EHOSTUNREACH", "unreachable (EHOSTUNREACH)"),
        ("harness_error", "EAI_AGAIN", "the name server does not resolve (EAI_AGAIN)"),
    ],
)
def test_other_ways_to_get_no_connection(outcome, errno, words):
    attempt = Attempt(1, outcome=outcome, errno=errno, target="server", target_port=12345)
    assert words in refusal(attempt, 2000)


def test_nothing_from_the_wire_is_raw():
    """Control characters, CSI in its 8-bit form, and the ones that turn text around."""
    for raw in ("\x1b[31m", "\x9b31m", "\u202e", "\r", "\x07"):
        assert raw not in events.escape(raw.encode(), 100)
