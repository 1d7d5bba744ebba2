"""A socket of ours that leads to the engine's, to see who reaches the engine through it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

SOCKET = "/var/run/docker.sock"


@contextlib.contextmanager
def forwarding(listener: socket.socket) -> Iterator[list[socket.socket]]:
    """Forward each connection of a listener to the engine, for as long as the block lasts; the list has them."""
    connections: list[socket.socket] = []
    threading.Thread(target=_accept, args=(listener, connections), daemon=True).start()
    yield connections
    listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, connections: list[socket.socket]) -> None:
    with contextlib.suppress(OSError):
        while True:
            near, far = listener.accept()[0], socket.socket(socket.AF_UNIX)
            connections.append(near)
            far.connect(SOCKET)
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=_copy, args=(source, target), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Copy what comes, and its end."""
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)
