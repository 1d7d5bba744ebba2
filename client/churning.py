"""Open, use and close connections, one at a time or several: each goes on as soon as it can, then comes the next."""

from __future__ import annotations

import select
import time

from client import close
from client.dialling import UNDECIDED, Dialling, answer
from client.sockets import NOW, Socket
from connlab.machine.named_tuple import NamedTuple

_DIALLING, _TALKING, _CLOSING = 1, 2, 3
_CHUNK, _MOST_EVENTS = 65_536, 256


class Use(NamedTuple):
    """What is done with each connection: a message that has to come back (none: None), and how it is closed."""

    message: bytes | None
    reset: bool


class Churning:
    """The connections that are under way, by descriptor, in the order in which their present phase began."""

    def __init__(self, dialling: Dialling, use: Use) -> None:
        self.dialling, self.attempts, self.use = dialling, dialling.attempts, use
        self._epoll = dialling.epoll
        # phase, when it began (ns), the row of the attempt, socket, and what came of the echo
        self._open: dict[int, tuple[int, int, int, Socket, bytes]] = {}

    def run(self, in_flight: int, gap_ms: int) -> None:
        """Carry out all dials, `in_flight` at a time; the gap is between the end of one and the start of the next."""
        dialling, under_way, poll, first = self.dialling, self._open, self._epoll.poll, True
        with self._epoll:
            while dialling.left or under_way:
                while dialling.left and len(under_way) < in_flight:
                    if gap_ms and not first:
                        time.sleep(gap_ms / 1000)
                    first = False
                    self._begin()
                if under_way:
                    patience = self._patience()
                    for descriptor, event in poll(patience, _MOST_EVENTS):
                        self._go_on(descriptor, event)
                    if not patience:  # what is there already is read first
                        self._end_overdue()

    def _begin(self) -> None:
        row, sock, undecided = self.dialling.start()
        if sock is None:
            return
        if undecided:
            self._epoll.register(sock, select.EPOLLOUT)
            self._open[sock.fileno()] = _DIALLING, self.attempts.start_ns[row], row, sock, b""
        else:
            descriptor = sock.fileno()
            self._epoll.register(descriptor, select.EPOLLIN)
            self._talk(descriptor, row, sock)

    def _go_on(self, descriptor: int, event: int) -> None:
        phase, since, row, sock, seen = self._open[descriptor]
        if phase == _DIALLING:
            number = answer(sock, event)
            if number in UNDECIDED:
                return
            del self._open[descriptor]
            if self.dialling.decide(row, sock, number):
                self._epoll.modify(descriptor, select.EPOLLIN)
                self._talk(descriptor, row, sock)
            return
        try:
            data = sock.recv(_CHUNK, NOW)
        except BlockingIOError:
            return
        except OSError as error:
            if phase == _TALKING:
                self.attempts.judge(row, error.errno)
            self._end(descriptor, row, sock)
            return
        if phase == _CLOSING:
            if not data:
                self._end(descriptor, row, sock)
        elif (self.use.message or b"") in seen + data or not data:
            self._close(descriptor, row, sock)
        else:
            self._open[descriptor] = phase, since, row, sock, seen + data

    def _talk(self, descriptor: int, row: int, sock: Socket) -> None:
        """Send the message, if there is one."""
        if not self.use.message:
            self._close(descriptor, row, sock)
            return
        try:
            sock.send(self.use.message, NOW)
        except OSError as error:
            self.attempts.judge(row, error.errno)
            self._close(descriptor, row, sock)
            return
        self._open[descriptor] = _TALKING, time.monotonic_ns(), row, sock, b""

    def _close(self, descriptor: int, row: int, sock: Socket) -> None:
        """Close with RST, or send FIN and wait for the other side's."""
        if not self.use.reset and close.send_fin(sock):
            self._open.pop(descriptor, None)  # so that it stands last
            self._open[descriptor] = _CLOSING, time.monotonic_ns(), row, sock, b""
        else:
            self._end(descriptor, row, sock)

    def _end(self, descriptor: int, row: int, sock: Socket) -> None:
        self._open.pop(descriptor, None)
        if self.use.reset:
            close.reset(sock)
        else:
            sock.close()
        self.attempts.closed_ns[row] = time.monotonic_ns()

    def _patience(self) -> float:
        """Return the seconds until the first phase is overdue."""
        _, since, _, _, _ = next(iter(self._open.values()))
        return max(0.0, (since + self.dialling.timeout_ns - time.monotonic_ns()) / 1e9)

    def _end_overdue(self) -> None:
        """End the phases that took too long: no answer is an outcome, no echo or no FIN closes the connection."""
        limit = time.monotonic_ns() - self.dialling.timeout_ns
        while self._open:
            descriptor, (phase, since, row, sock, _) = next(iter(self._open.items()))
            if since > limit:
                return
            if phase == _DIALLING:
                del self._open[descriptor]
                self.dialling.decide(row, sock, None, "timed_out")
            elif phase == _TALKING:
                self._close(descriptor, row, sock)
            else:
                self._end(descriptor, row, sock)
