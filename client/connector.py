"""Connection attempts: dial one or many, and name what became of each (docs/events.md, Outcomes)."""

from __future__ import annotations

import errno
import resource
import select
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

from client import resolver
from client.json_object import JsonObject

OUTCOMES = {
    0: "established",
    errno.ECONNREFUSED: "refused",
    errno.ETIMEDOUT: "timed_out",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.EHOSTDOWN: "unreachable",
    errno.ENETDOWN: "unreachable",
    errno.ENONET: "unreachable",
    errno.ENOPROTOOPT: "unreachable",
    errno.EACCES: "unreachable",
    errno.EPERM: "unreachable",
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.ECONNABORTED: "reset",
    errno.EADDRNOTAVAIL: "no_port",
}
_UNDECIDED = (errno.EINPROGRESS, errno.EALREADY)
_NO_SOURCE = ("0.0.0.0", 0)
_SPIN_NS = 1_000_000
_Pending = dict[int, tuple[JsonObject, socket.socket]]


def dial(
    host: str,
    port: int,
    *,
    count: int = 1,
    in_flight: int = 1,
    gap_ms: int = 0,
    timeout_ms: int = 2000,
    at_ns: int | None = None,
    source: str | None = None,
    source_port: int | None = None,
) -> Iterator[tuple[JsonObject, socket.socket | None]]:
    """Dial `count` times, `in_flight` at once, and yield each attempt as it ends, with its socket if it
    was established. Fields as in docs/agent.md; the name is resolved once. Never raises for an attempt
    that fails; a name without an address is one attempt, a `harness_error`. With `source_port` each dial has
    the port after that of the one before. The gap is kept after each start and after each end, so that with
    several in flight too no SYN comes sooner than `gap_ms` after another one or after a refusal.
    """
    start_ns = time.monotonic_ns()
    try:
        target = (resolver.resolve(host), port)
    except socket.gaierror as error:
        yield _decide(_attempt((host, port), start_ns, 1), None, error.errno, "harness_error")
        return
    pending: _Pending = {}
    _barrier(at_ns)
    gap_ns = gap_ms * 1_000_000
    started, next_ns = 0, time.monotonic_ns() + gap_ns
    with select.epoll() as poller:
        while started < count or pending:
            ended = []
            if started < count and len(pending) < in_flight and time.monotonic_ns() >= next_ns:
                started += 1
                own_port = source_port and source_port + started - 1
                attempt, sock, number, outcome = _start(target, started, source, own_port)
                next_ns = time.monotonic_ns() + gap_ns
                if sock and number in _UNDECIDED:
                    pending[sock.fileno()] = attempt, sock
                    poller.register(sock, select.EPOLLOUT)
                else:
                    ended.append(_decide(attempt, sock, number, outcome))
            more = started < count and len(pending) < in_flight
            wait_s = _until_next(pending, timeout_ms, next_ns if more else None)
            if pending or wait_s:
                for fd, event in poller.poll(wait_s):
                    number = _answer(pending[fd][1], event)
                    if number not in _UNDECIDED:
                        poller.unregister(fd)
                        ended.append(_decide(*pending.pop(fd), number))
            for fd in _overdue(pending, timeout_ms):
                ended.append(_decide(*pending.pop(fd), None, "timed_out"))
            if ended and gap_ns:
                next_ns = time.monotonic_ns() + gap_ns
            yield from ended


def outcome_of(number: int | None) -> str:
    """The outcome that an errno stands for; an unknown errno is a `harness_error`, never a guess."""
    return "harness_error" if number is None else OUTCOMES.get(number, "harness_error")


def errno_name(number: int | None) -> str | None:
    """ECONNREFUSED for 111, EAI_NONAME for -2 (getaddrinfo(3)), None for no error."""
    if not number:
        return None
    if number in errno.errorcode:
        return errno.errorcode[number]
    resolver = {code: name for name, code in vars(socket).items() if name.startswith("EAI_")}
    return resolver.get(number, str(number))


def raise_descriptor_limit() -> None:
    """Let this process hold as many connections as its hard limit allows (getrlimit(2))."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _start(
    target: tuple[str, int], number: int, source: str | None, source_port: int | None
) -> tuple[JsonObject, socket.socket | None, int | None, str | None]:
    """Send the SYN of dial `number`. Returns the attempt, its socket, the errno so far, and the outcome where
    errno misleads."""
    attempt, sock = _attempt(target, time.monotonic_ns(), number), None
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
        # EADDRNOTAVAIL of bind(2) is an address that is not ours; only that of connect(2) is T13.
        return attempt, sock, error.errno, "harness_error"
    number = sock.connect_ex(target)
    name = sock.getsockname()
    if name != _NO_SOURCE:
        attempt["source"], attempt["source_port"] = name
    if number == errno.EINPROGRESS:
        # Across a veth pair the answer comes while connect(2) still runs: asking again saves a poll.
        number = sock.connect_ex(target)
    return attempt, sock, number, None


def _answer(sock: socket.socket, event: int) -> int:
    """The errno of a dial that epoll(7) woke for: 0 connected, EALREADY not decided yet.

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


def _attempt(target: tuple[str, int], start_ns: int, number: int) -> JsonObject:
    return {
        "number": number,
        "conn": None,
        "outcome": None,
        "errno": None,
        "source": None,
        "source_port": None,
        "target": target[0],
        "target_port": target[1],
        "start_ns": start_ns,
        "us": None,
    }


def _decide(
    attempt: JsonObject, sock: socket.socket | None, number: int | None, outcome: str | None = None
) -> tuple[JsonObject, socket.socket | None]:
    attempt["us"] = (time.monotonic_ns() - attempt["start_ns"]) // 1000
    attempt["outcome"] = outcome or outcome_of(number)
    attempt["errno"] = errno_name(number)
    if sock and attempt["outcome"] != "established":
        sock.close()
        sock = None
    return attempt, sock


def _until_next(pending: _Pending, timeout_ms: int, next_ns: int | None) -> float:
    """Seconds until something is due: the next dial, or the deadline of the oldest pending one."""
    due = [] if next_ns is None else [next_ns]
    for attempt, _ in pending.values():
        due.append(attempt["start_ns"] + timeout_ms * 1_000_000)
        break
    return max(0.0, (min(due, default=0) - time.monotonic_ns()) / 1e9)


def _overdue(pending: _Pending, timeout_ms: int) -> list[int]:
    """Descriptors whose deadline passed; `pending` is in order of start, so the first one in time ends it."""
    deadline, overdue = time.monotonic_ns() - timeout_ms * 1_000_000, []
    for fd, (attempt, _) in pending.items():
        if attempt["start_ns"] > deadline:
            break
        overdue.append(fd)
    return overdue


def _barrier(at_ns: int | None) -> None:
    """Sleep until shortly before a moment, then spin to it: a sleep alone wakes up some 100 µs late."""
    if at_ns:
        time.sleep(max(0, at_ns - _SPIN_NS - time.monotonic_ns()) / 1e9)
        while time.monotonic_ns() < at_ns:
            pass
