"""A command of a guest as a process of the container around it: same input, output and exit status.

`python3 -m kernels.enter '{"argv": [...], "namespace": "server", ...}'`
"""

from __future__ import annotations

import os
import socket
import sys
import threading

from kernels.commands import FRAME, PORT, STATUS


def main(request: str) -> int:
    """Hand on what comes and goes; the command's status, 125 if the guest is gone, which is said."""
    try:
        status = _hand_on(request)
    except OSError:
        status = None
    if status is None:
        os.write(2, b"the guest is gone\n")
    return 125 if status is None else status


def _hand_on(request: str) -> int | None:
    """Hand on what comes and goes; the command's status, None if the guest ended before."""
    with socket.create_connection(("127.0.0.1", PORT)) as connection, connection.makefile("rb") as frames:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(request.encode() + b"\n")
        threading.Thread(target=_feed, args=(connection,), daemon=True).start()
        while len(head := frames.read(FRAME.size)) == FRAME.size:
            stream, length = FRAME.unpack(head)
            data = frames.read(length)
            if stream == STATUS:
                return int(data) if int(data) >= 0 else 128 - int(data)
            view = memoryview(data)
            while view:
                view = view[os.write(stream, view) :]
    return None


def _feed(connection: socket.socket) -> None:
    try:
        while data := os.read(0, 1 << 16):
            connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
    except OSError:  # the guest is gone: who reads its answers says so
        pass


if __name__ == "__main__":
    status = main(sys.argv[1])
    sys.stdout.flush()
    os._exit(status)
