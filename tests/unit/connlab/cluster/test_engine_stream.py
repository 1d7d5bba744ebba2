"""Output of a command, as the engine sends it: a played engine on a Unix socket, the real SDK on our side."""

from __future__ import annotations

import gc
import json
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator

import docker
import pytest

from connlab.base.errors import GaveUp
from connlab.cluster import host as host_module
from connlab.cluster.host import Host
from connlab.cluster.stream import Stream
from tests.support.frames import ERR, frame

THREAD = "played engine"
HOST = Host("c0ffee", "client", 1, "172.18.0.3", "running", "Up 5 seconds")
UPGRADED = (
    b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
    b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
)


def answer(body: object) -> bytes:
    data = json.dumps(body).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        len(data),
        data,
    )


def receive_request(connection: socket.socket) -> bytes:
    """Return the head of one request, whose body is read too; raises EOFError when the SDK has hung up."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += receive_part(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int((re.search(rb"(?i)content-length: (\d+)", head) or [b"", b"0"])[1])
    while len(body) < length:
        body += receive_part(connection)
    return head


def receive_part(connection: socket.socket) -> bytes:
    if not (data := connection.recv(1 << 16)):
        raise EOFError
    return data


@pytest.fixture(params=["in one piece", "head first", "cut in a frame's header"])
def engine(request, tmp_path, monkeypatch) -> Iterator[None]:
    """Play an engine whose command says `quick` and ends; how its answer is cut is the network's business."""
    path = str(tmp_path / "engine")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    output = frame(b"quick\n") + frame(b"oops\n", kind=ERR) + frame(b"brown\n")
    cut = {
        "in one piece": len(UPGRADED + output),
        "head first": len(UPGRADED),
        "cut in a frame's header": len(UPGRADED) + 3,
    }

    def serve(connection: socket.socket) -> None:
        with connection:
            while True:
                try:
                    head = receive_request(connection)
                except (OSError, EOFError):
                    return
                if b"/start" in head:
                    reply, at = UPGRADED + output, cut[request.param]
                    connection.sendall(reply[:at])
                    if reply[at:]:
                        head_is_read.wait(10)
                        connection.sendall(reply[at:])
                    return
                connection.sendall(answer({"Id": "e1", "ExitCode": 0}))

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True, name=THREAD).start()

    head_is_read = threading.Event()
    threading.Thread(target=accept, daemon=True, name=THREAD).start()
    client = docker.DockerClient(base_url=f"unix://{path}", version="1.41")
    monkeypatch.setattr(host_module, "client", lambda: client)
    early = host_module._early
    monkeypatch.setattr(host_module, "_early", lambda *args: (early(*args), head_is_read.set())[0])
    yield
    client.close()
    listener.shutdown(socket.SHUT_RDWR)  # wakes accept(2), which closing does not
    listener.close()
    for thread in threading.enumerate():
        if thread.name == THREAD:
            thread.join(10)
            assert not thread.is_alive(), "a played engine that goes on costs every later test"


@pytest.fixture
def collector() -> Iterator[Callable[[int], None]]:
    """Collect all garbage, then go on with the collector as eager as this."""
    before = gc.get_threshold()
    gc.freeze()  # all that pytest holds is passed over: that is 50 ms for each collection

    def eager(threshold: int) -> None:
        gc.collect()
        gc.set_threshold(threshold, *before[1:])

    yield eager
    gc.set_threshold(*before)
    gc.unfreeze()


def test_the_output_of_a_command_is_complete(engine) -> None:
    """Also of one that has said everything before the SDK has read the head of the engine's answer."""
    assert HOST.run(["true"]) == "quick\nbrown\n"


@pytest.mark.parametrize("threshold", range(5, 100, 5))
def test_a_stream_outlives_the_garbage_of_the_sdk(engine, collector, threshold: int) -> None:
    """The SDK's response closes the socket when it is collected; the stream holds it, and lets go when it is closed.

    In which order the collector ends what is garbage depends on how far it had come while the stream was opened.
    """
    collector(threshold)
    with HOST.stream(["true"]) as stream:
        collector(700)
        descriptor = stream._sock.fileno()
        assert [stream.read_line(10), stream.read_line(10)] == ["quick", "brown"]
        assert descriptor == stream._sock.fileno() != -1
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_a_stream_begins_with_the_first_line(engine) -> None:
    """An agent that says hello at once is heard."""
    with HOST.stream(["true"]) as stream:
        assert [stream.read_line(10), stream.read_line(10)] == ["quick", "brown"]


@pytest.mark.parametrize("within", [None, 0.05])
def test_a_command_whose_end_is_lost_is_given_up(monkeypatch, within: float | None) -> None:
    """An engine that never closes the stream held whoever asked, a whole test run too, for ever."""
    ours, theirs = socket.socketpair()
    with theirs:
        stream = Stream(ours, "client-1: true")
        monkeypatch.setattr(Host, "_start", lambda *_, **__: ("e1", stream))
        monkeypatch.setattr(host_module, "COMMAND_WITHIN", 0.05)
        theirs.sendall(frame(b"begun\n"))
        with pytest.raises(GaveUp, match=r"client-1: true did not end within 0\.05 s"):
            HOST.run(["true"], within=within)
