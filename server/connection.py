"""One accepted connection: what went through it, and who ended it."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import time
from collections.abc import Iterator

from connlab.machine.events import emit, escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket  # whose sockets are those of the standard library too, and of server/worker.py

RECEIVE = 1024  # bytes of one recv(2), the article's number
# States of a TCP socket, linux/net/tcp_states.h; the first byte of TCP_INFO.
ESTABLISHED, CLOSED, CLOSE_WAIT = 1, 7, 8
EVERY_TIME = ("endless",)  # what is told of a connection in any case
LAST_DATA_SENT = 44  # bytes: the place of that field in struct tcp_info, linux/tcp.h


class Connection:
    """A socket and its peer; bytes both ways, as recv(2) and send(2) counted them."""

    each = (
        True  # of this process: whether each connection and message is told (EVENTS); set before there is one
    )

    def __init__(self, sock: _socket.socket, source: str, source_port: int) -> None:
        self.sock, self.source, self.source_port = sock, source, source_port
        self.received = self.sent = 0

    def receive(self) -> bytes:
        """Return the next bytes, and emit them as `message`; b"" once the client has sent its FIN."""
        data = self.sock.recv(RECEIVE)
        if data:
            self.received += len(data)
            if self.each:
                self.emit("message", bytes=len(data), text=escape(data))
        return data

    def send(self, data: bytes) -> int:
        """Send what the kernel takes now; returns how many bytes that was."""
        count = self.sock.send(data)
        self.sent += count
        return count

    def send_all(self, data: bytes) -> None:
        """Send everything, waiting for room as long as it takes."""
        while data:
            data = data[self.send(data) :]

    def emit(self, event: str, **fields: object) -> None:
        """Emit an event about this connection, unless EVENTS=summary."""
        if self.each or event in EVERY_TIME:
            emit(event, source=self.source, source_port=self.source_port, **fields)

    def end_fields(self, trouble: OSError | None) -> dict[str, str]:
        """Return who ended it, for `closed`; to be asked before our own close.

        The kernel knows: without the client's FIN the socket is not in CLOSE_WAIT, so it was this host
        that shut it, perhaps by another process. After an RST it is in no state at all.
        """
        if isinstance(trouble, ConnectionResetError):
            return {"by": "reset"}
        if isinstance(trouble, BrokenPipeError):
            return {"by": "reset" if state(self.sock) == CLOSED else "server"}
        if trouble is not None:
            return {"by": "error", "error": errno.errorcode.get(trouble.errno or 0, str(trouble))}
        return {"by": "client" if state(self.sock) == CLOSE_WAIT else "server"}


@contextlib.contextmanager
def conversation(sock: _socket.socket, source: str, source_port: int) -> Iterator[Connection]:
    """Serve a connection in the block; afterwards close it with FIN and emit `closed`.

    Connection errors (the peer reset it, or vanished) end the connection, not the server.
    """
    start, connection = time.monotonic(), Connection(sock, source, source_port)
    failure = None
    try:
        yield connection
    except OSError as error:
        failure = error
    finally:
        end = connection.end_fields(failure)
        shut(sock, socket.SHUT_WR)
        sock.close()
        connection.emit("closed", bytes_in=connection.received, bytes_out=connection.sent,
                        seconds=round(time.monotonic() - start, 6), **end)  # fmt: skip


def shut(sock: _socket.socket, how: int) -> None:
    """Shut one side of a connection, or both (shutdown(2)); nothing happens if it is closed already."""
    with contextlib.suppress(OSError):
        sock.shutdown(how)


def state(sock: _socket.socket) -> int:
    """Return the TCP state of a socket (tcp(7), TCP_INFO)."""
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


def established(sock: _socket.socket) -> float:
    """Return when the kernel established an accepted connection that nothing was sent on yet, by time.time().

    Exact to a jiffy, however late accept(2) is: `tcpi_last_data_sent`, milliseconds, starts with the connection
    (docs/kernel.md B12).
    """
    age: int
    (age,) = struct.unpack_from("=I", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, LAST_DATA_SENT + 4),
                                LAST_DATA_SENT)  # fmt: skip
    return time.time() - age / 1000
