"""One dial: its SYN, its answer, and the attempt that comes of it."""

from __future__ import annotations

import errno
import select
import socket
import time
from contextlib import suppress

from client.attempt import HARNESS_ERROR, Attempt, errno_name, outcome_of

UNDECIDED = (errno.EINPROGRESS, errno.EALREADY)
_NO_SOURCE = ("0.0.0.0", 0)
# An attempt, its socket, the errno so far, and the outcome where errno misleads.
Started = tuple[Attempt, "socket.socket | None", "int | None", str]


def start(target: tuple[str, int], number: int, source: str | None, source_port: int | None) -> Started:
    """Send the SYN of dial `number`.

    Returns the attempt, its socket, the errno so far, and the outcome where errno misleads.
    """
    attempt = Attempt(number, target=target[0], target_port=target[1], start_ns=time.monotonic_ns())
    sock, error_number = prepare(source, source_port)
    if sock is None or error_number:
        # EADDRNOTAVAIL of bind(2) is an address that is not ours; only that of connect(2) is T13.
        return attempt, sock, error_number, HARNESS_ERROR
    error_number = sock.connect_ex(target)
    attempt = with_source(attempt, sock)
    if error_number == errno.EINPROGRESS:
        # Across a veth pair the answer comes while connect(2) still runs: asking again saves a poll.
        error_number = sock.connect_ex(target)
    return attempt, sock, error_number, ""


def prepare(source: str | None, source_port: int | None) -> tuple[socket.socket | None, int]:
    """Make the socket of a dial, bound to what it is to come from; and the errno of that, 0 if there was none."""
    sock = None
    try:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        if source_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((source or "", source_port))
        elif source:
            # Leaves the choice of a port to connect(2), which may share one between destinations (ip(7)).
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((source, 0))
    except OSError as error:
        return sock, error.errno or errno.EIO
    return sock, 0


def with_source(attempt: Attempt, sock: socket.socket) -> Attempt:
    """Add to an attempt the address and the port that its SYN came from."""
    name = sock.getsockname()
    return attempt if name == _NO_SOURCE else attempt._replace(source=name[0], source_port=name[1])


def answer(sock: socket.socket, event: int) -> int:
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


def decide(
    attempt: Attempt, sock: socket.socket | None, number: int | None, outcome: str = ""
) -> tuple[Attempt, socket.socket | None]:
    """End an attempt now, with the outcome of its errno if none is given; closes a socket that has no connection."""
    us = (time.monotonic_ns() - attempt.start_ns) // 1000
    attempt = attempt._replace(us=us, outcome=outcome or outcome_of(number), errno=errno_name(number))
    if sock and attempt.outcome != "established":
        sock.close()
        sock = None
    return attempt, sock
