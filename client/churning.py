"""Open, use and close connections, several at a time: each goes on as soon as it can, and the next takes its place."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable

from client import close, single_dial
from client.attempt import Attempt
from client.single_dial import UNDECIDED
from connlab.machine.named_tuple import NamedTuple

_NOW = socket.MSG_DONTWAIT
DIALLING, TALKING, CLOSING = 1, 2, 3

Start = Callable[[int], single_dial.Started]  # begins dial N, counted from 1


class Use(NamedTuple):
    """What is done with each connection: a message that has to come back (none: None), and how it is closed."""

    message: bytes | None
    reset: bool
    timeout_ms: int


class Churning:
    """The connections that are under way, by descriptor, in the order in which their present phase began."""

    def __init__(self, use: Use) -> None:
        self.use = use
        self.ended: list[Attempt] = []
        self._epoll = select.epoll()
        # phase, when it began (ns), attempt, socket, and what came of the echo
        self._open: dict[int, tuple[int, int, Attempt, socket.socket, bytes]] = {}

    def run(self, start: Start, count: int, in_flight: int) -> None:
        """Carry out so many, `in_flight` at a time; afterwards `ended` has them, in the order of their ends."""
        started = 0
        with self._epoll:
            while started < count or self._open:
                while started < count and len(self._open) < in_flight:
                    started += 1
                    self._begin(*start(started))
                for descriptor, event in self._epoll.poll(self._patience(), 256) if self._open else ():
                    self._go_on(descriptor, event)
                self._end_overdue()

    def _begin(self, attempt: Attempt, sock: socket.socket | None, number: int | None, outcome: str) -> None:
        if sock and number in UNDECIDED:
            self._epoll.register(sock, select.EPOLLOUT)
            self._open[sock.fileno()] = DIALLING, attempt.start_ns, attempt, sock, b""
            return
        attempt, sock = single_dial.decide(attempt, sock, number, outcome)
        if sock is None:
            self.ended.append(attempt)
        else:
            self._epoll.register(sock, select.EPOLLIN)
            self._talk(attempt, sock)

    def _go_on(self, descriptor: int, event: int) -> None:
        phase, _, attempt, sock, seen = self._open[descriptor]
        if phase == DIALLING:
            number = single_dial.answer(sock, event)
            if number in UNDECIDED:
                return
            attempt, left = single_dial.decide(attempt, sock, number)
            if left is None:
                self._end(descriptor, attempt, None)
            else:
                self._epoll.modify(descriptor, select.EPOLLIN)
                self._talk(attempt, sock)
            return
        try:
            data = sock.recv(65_536, _NOW)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(descriptor, attempt.with_errno(error.errno or 0) if phase == TALKING else attempt, sock)
            return
        if phase == CLOSING:
            if not data:
                self._end(descriptor, attempt, sock)
        elif (self.use.message or b"") in seen + data or not data:
            self._close(descriptor, attempt, sock)
        else:
            self._open[descriptor] = phase, self._open[descriptor][1], attempt, sock, seen + data

    def _talk(self, attempt: Attempt, sock: socket.socket) -> None:
        """Send the message, if there is one."""
        message, descriptor = self.use.message, sock.fileno()
        self._open.pop(descriptor, None)
        if not message:
            self._close(descriptor, attempt, sock)
            return
        try:
            sock.send(message, _NOW)
        except OSError as error:
            self._close(descriptor, attempt.with_errno(error.errno or 0), sock)
            return
        self._open[descriptor] = TALKING, time.monotonic_ns(), attempt, sock, b""

    def _close(self, descriptor: int, attempt: Attempt, sock: socket.socket) -> None:
        """Close with RST, or send FIN and wait for the other side's."""
        if self.use.reset:
            close.reset(sock)
            self._end(descriptor, attempt, sock)
            return
        try:
            sock.shutdown(socket.SHUT_WR)
        except OSError:  # there is no connection any more
            self._end(descriptor, attempt, sock)
            return
        self._open.pop(descriptor, None)
        self._open[descriptor] = CLOSING, time.monotonic_ns(), attempt, sock, b""

    def _end(self, descriptor: int, attempt: Attempt, sock: socket.socket | None) -> None:
        self._open.pop(descriptor, None)
        if sock is not None:
            sock.close()
            attempt = attempt._replace(closed_ns=time.monotonic_ns())
        self.ended.append(attempt)

    def _patience(self) -> float:
        """Return the seconds until the first phase is overdue."""
        _, since, _, _, _ = next(iter(self._open.values()))
        return max(0.0, (since + self.use.timeout_ms * 1_000_000 - time.monotonic_ns()) / 1e9)

    def _end_overdue(self) -> None:
        """End the phases that took too long: no answer is an outcome, no echo or no FIN closes the connection."""
        limit = time.monotonic_ns() - self.use.timeout_ms * 1_000_000
        while self._open:
            descriptor, (phase, since, attempt, sock, _) = next(iter(self._open.items()))
            if since > limit:
                return
            if phase == DIALLING:
                attempt, _ = single_dial.decide(attempt, sock, None, "timed_out")
                self._end(descriptor, attempt, None)
            elif phase == TALKING:
                self._close(descriptor, attempt, sock)
            else:
                self._end(descriptor, attempt, sock)
