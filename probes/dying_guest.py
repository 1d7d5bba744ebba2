"""Answers as a guest does, and panics when a trial has asked it for a first scenario.

`dying_guest PORT FRAME STATUS`: where it is asked, how a frame begins, and the stream that has the status.
"""

from __future__ import annotations

import json
import socket
import struct
import sys

PORT, FRAME, STATUS = int(sys.argv[1]), struct.Struct(sys.argv[2]), int(sys.argv[3])


def tell(connection: socket.socket, stream: int, data: bytes) -> None:
    """Send a frame."""
    connection.sendall(FRAME.pack(stream, len(data)) + data)


with socket.create_server(("127.0.0.1", PORT)) as listener:
    print("connlab: serving", flush=True)
    while True:
        connection, _ = listener.accept()
        lines = connection.makefile("rb")
        if "namespaces" in json.loads(lines.readline())["argv"]:
            break
        tell(connection, 1, b"6.12.0 a guest\n")
        tell(connection, STATUS, b"0")
        connection.close()
    tell(connection, 1, b"ready\n")
    lines.readline()
    print("Kernel panic - not syncing", flush=True)
