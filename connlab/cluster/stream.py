"""A command's standard input and output over one `docker exec` connection, as lines.

The engine multiplexes the two output streams in frames of an 8-byte header, stream and length, and the
payload (Docker Engine API, "Attach to a container").
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from types import TracebackType

from connlab.base.errors import GaveUp, LabError

STDERR = 2
PATIENCE = 30.0  # seconds


class StreamClosed(LabError):
    """The command at the other end is gone; the text ends with what it wrote on standard error."""


class Stream:
    """Lines to and from a command on a host. Closing it closes the command's standard input."""

    def __init__(
        self, sock: socket.socket, name: str, early: bytes = b"", release: Callable[[], None] | None = None
    ) -> None:
        """`early` is what came before anybody read from `sock`; `release` gives back all that holds it.

        To hold `release` is to hold the response that the socket came from. When the garbage collector takes
        that, it closes the socket, in the middle of whatever is being said (Docker SDK 7.2).
        """
        self._sock = sock
        self._release = release or sock.close
        self._name = name
        self._raw = bytearray(early)
        self._out = bytearray()
        self._err = bytearray()
        self._split_frames()

    def write(self, line: str) -> None:
        """Send one line. Raises `StreamClosed`, also if the command has not read for half a minute."""
        self._sock.settimeout(PATIENCE)
        try:
            self._sock.sendall(line.encode() + b"\n")
        except OSError as error:
            raise self._closed() from error

    def read_line(self, within: float) -> str:
        """Read the next line of standard output, `within` seconds. Raises `GaveUp` or `StreamClosed`."""
        deadline = time.monotonic() + within
        while (end := self._out.find(b"\n")) < 0:
            self._sock.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                data = self._sock.recv(1 << 16)
            except TimeoutError:
                raise GaveUp(f"{self._name} did not answer within {within:g} s") from None
            except OSError as error:
                raise self._closed() from error
            if not data:
                raise self._closed()
            self._raw += data
            self._split_frames()
        line = self._out[:end].decode(errors="replace")
        del self._out[: end + 1]
        return line

    def lines(self, within: float) -> Iterator[str]:
        """Yield lines of standard output as they come, also from a command that never ceases to speak.

        Raises `GaveUp` after `within` seconds in all, `StreamClosed` if it ends before.
        """
        deadline = time.monotonic() + within
        while (left := deadline - time.monotonic()) > 0:
            yield self.read_line(left)
        raise GaveUp(f"{self._name} still spoke after {within:g} s")

    def read_all(self, within: float) -> tuple[str, str]:
        """Everything that comes on both streams until the command ends, in `within` seconds.

        Raises `StreamClosed` if the engine breaks the connection off, `GaveUp` if it takes longer.
        """
        deadline = time.monotonic() + within
        self._sock.settimeout(within)
        try:
            while data := self._sock.recv(1 << 16):
                self._raw += data
                self._split_frames()
                self._sock.settimeout(max(0.001, deadline - time.monotonic()))
        except TimeoutError:
            raise GaveUp(f"{self._name} did not end within {within:g} s") from None
        except OSError as error:
            raise self._closed() from error
        return self._out.decode(errors="replace"), self._err.decode(errors="replace")

    def end_input(self) -> bool:
        """Close the command's standard input, and go on reading; whether that can be (TLS has no half of a stream)."""
        if isinstance(self._sock, ssl.SSLSocket):
            return False
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)
        return True

    def close(self) -> None:
        """End the command: its standard input closes."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._release()

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _split_frames(self) -> None:
        while len(self._raw) >= 8:
            kind, length = struct.unpack_from(">BxxxI", self._raw)
            if len(self._raw) < 8 + length:
                return
            (self._err if kind == STDERR else self._out).extend(self._raw[8 : 8 + length])
            del self._raw[: 8 + length]

    def _closed(self) -> StreamClosed:
        words = self._err.decode(errors="replace").strip()[-2000:]
        return StreamClosed(f"{self._name} ended: {words or 'it said nothing of why; was it killed?'}")
