"""A guest's commands: each connection is one, its output framed as an engine frames that of `docker exec`.

The first line is a JSON object: `argv`, `namespace` (null: the guest's own), `environment`, `user` (null: root) and
`stdin`. What follows is the command's input. Frames are of stream 1 and 2, as an engine's; the last one, of stream 3,
has the status.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import threading
from collections.abc import Callable
from typing import IO, Any

PORT = 2375
FRAME = struct.Struct(">BxxxI")
STATUS = 3
WHERE = "/opt/connlab"


def serve(address: str, ready: Callable[[], None]) -> None:
    """Carry out commands for ever, and end those of processes that nobody waits for."""
    with socket.create_server((address, PORT)) as listener:
        ready()
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_carry_out, args=(connection,), daemon=True).start()


def _carry_out(connection: socket.socket) -> None:
    lock = threading.Lock()

    def tell(stream: int, data: bytes) -> None:
        with lock:
            connection.sendall(FRAME.pack(stream, len(data)) + data)

    with connection, connection.makefile("rb", buffering=0) as lines:
        try:
            tell(STATUS, str(_run(json.loads(_line(lines)), connection, tell)).encode())
        except OSError as error:
            tell(2, f"{error}\n".encode())
            tell(STATUS, b"127")


def _run(request: dict[str, Any], connection: socket.socket, tell: Callable[[int, bytes], None]) -> int:
    argv = request["argv"]
    if request["user"] is not None:
        argv = [
            "setpriv",
            f"--reuid={request['user']}",
            f"--regid={request['user']}",
            "--clear-groups",
            "--inh-caps=-all",
            "--bounding-set=-all",
            *argv,
        ]
    if request["namespace"]:
        argv = ["ip", "netns", "exec", request["namespace"], *argv]
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=WHERE,
        env={**os.environ, **request["environment"]},
    )  # fmt: skip
    assert process.stdin and process.stdout and process.stderr
    readers = [
        threading.Thread(target=_forward, args=(stream, number, tell))
        for number, stream in ((1, process.stdout), (2, process.stderr))
    ]
    for each in readers:
        each.start()
    if request["stdin"]:
        threading.Thread(target=_feed, args=(connection, process.stdin), daemon=True).start()
    else:
        process.stdin.close()
    for each in readers:
        each.join()
    return process.wait()


def _forward(stream: IO[bytes], number: int, tell: Callable[[int, bytes], None]) -> None:
    while data := os.read(stream.fileno(), 1 << 16):
        tell(number, data)


def _feed(connection: socket.socket, stdin: IO[bytes]) -> None:
    try:
        while data := connection.recv(1 << 16):
            stdin.write(data)
            stdin.flush()
    except OSError:
        pass
    finally:
        stdin.close()


def _line(lines: socket.SocketIO) -> bytes:
    found = b""
    while not found.endswith(b"\n"):
        piece = lines.read(1)
        if not piece:
            raise OSError("the request has no end")
        found += piece
    return found
