"""Dials, one after another: the SYN of each, its answer, and the row of `Attempts` that comes of it."""

from __future__ import annotations

import errno
import select
import socket
import time
from contextlib import suppress

from client.attempt import HARNESS_ERROR
from client.attempts import ESTABLISHED, Attempts
from client.sockets import NONBLOCKING, Socket
from client.source_range import SourceRange

UNDECIDED = (errno.EINPROGRESS, errno.EALREADY)


class Dialling:
    """The dials of a request to one target: `start` begins the next one, `left` are to be begun."""

    def __init__(
        self,
        target: tuple[str, int],
        count: int,
        timeout_ms: int,
        sources: SourceRange | None = None,
        source_port: int | None = None,
    ) -> None:
        self.attempts = Attempts(target, count)
        self.target, self.left, self.timeout_ns = target, count, timeout_ms * 1_000_000
        self.sources, self.source_port = sources, source_port
        self.epoll = select.epoll()  # of those that are undecided

    def start(self) -> tuple[int, Socket | None, bool]:
        """Send the next SYN. Returns the row, the socket unless the dial failed, and whether it is undecided yet."""
        attempts = self.attempts
        row = attempts.count - self.left
        self.left -= 1
        sock = self.prepare(row)
        if sock is None:
            return row, None, False
        attempts.start_ns[row] = start_ns = time.monotonic_ns()
        number = sock.connect_ex(self.target)
        attempts.came_from(row, sock)  # before it is asked again: a socket that was refused has no name
        if number == errno.EINPROGRESS:
            # Across a veth pair the answer comes while connect(2) still runs: asking again saves a poll.
            number = sock.connect_ex(self.target)
        if number == 0:
            attempts.us[row] = (time.monotonic_ns() - start_ns) // 1000
            attempts.outcome[row] = ESTABLISHED
        if number == 0 or number in UNDECIDED:
            return row, sock, number != 0
        return row, self.decide(row, sock, number), False

    def prepare(self, row: int) -> Socket | None:
        """Make the socket of a dial, bound to what it is to come from; if that fails the attempt has ended: None."""
        sock = None
        try:
            sock = Socket(socket.AF_INET, NONBLOCKING)
            if self.sources or self.source_port:
                self._bind(sock, row)
        except OSError as error:
            self.attempts.start_ns[row] = time.monotonic_ns()
            # EADDRNOTAVAIL of bind(2) is an address that is not ours; only that of connect(2) is T13.
            self.attempts.end(row, error.errno or errno.EIO, HARNESS_ERROR)
            if sock:
                sock.close()
            return None
        return sock

    def _bind(self, sock: Socket, row: int) -> None:
        source = self.sources.of(row + 1) if self.sources else ""
        if self.source_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((source, self.source_port + row))
        else:
            # Leaves the choice of a port to connect(2), which may share one between destinations (ip(7)).
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((source, 0))

    def decide(self, row: int, sock: Socket, number: int | None, outcome: str = "") -> Socket | None:
        """End a dial now, with the outcome of its errno if none is given; closes a socket that has no connection."""
        self.attempts.end(row, number, outcome)
        if self.attempts.outcome[row] == ESTABLISHED:
            return sock
        sock.close()
        return None


def answer(sock: Socket, event: int) -> int:
    """Return the errno of a dial that epoll(7) woke for: 0 connected, EALREADY not decided yet.

    SO_ERROR, as connect(2) says, and not a second connect(2): an ICMP error that comes while connect(2) still
    runs leaves the socket in SYN_SENT, with the error as a soft one (docs/kernel.md O08), which SO_ERROR tells
    and connect(2) does not.
    """
    number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number or event & select.EPOLLOUT:
        return number
    with suppress(OSError):  # what is left in the error queue would wake us again and again
        sock.recvmsg(0, 1024, socket.MSG_ERRQUEUE)
    return errno.EALREADY
