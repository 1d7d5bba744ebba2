"""A dial: what became of its first SYN within 150 ms, and what a repeated SYN got, told apart as late."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct

from namespaces.netns import Namespace
from namespaces.route import Route, bind
from namespaces.trace_events import Tuple4

WINDOW = 0.150  # seconds
# A process that the machine kept waiting looks again before it says that nothing came.
LATE_LOOK, AGAIN, LONGEST = 0.020, 0.050, 5.0  # seconds
RESET = struct.pack("@ii", 1, 0)  # struct linger: close(2) sends a reset, and nothing of the connection stays
TOTAL_RETRANS = struct.Struct("@100xI")  # of struct tcp_info (linux/tcp.h)
UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENOPROTOOPT, errno.EPERM, errno.EACCES}


class Dial:
    """One connect(2): `letter` is E established, D established and ended at once, R refused, T nothing came.

    `refusal` is rst, icmp or the name of an errno; `late` the letter that a repeated SYN got; `start` begins it;
    `decided` comes with the first answer, or at the end of the window.
    """

    def __init__(self, namespace: Namespace, route: Route, *, outgoing: bool = False) -> None:
        self.route, self.outgoing = route, outgoing
        self.letter, self.refusal, self.late = "", "", ""
        self.four: Tuple4 = ("", 0, "", 0)
        self.started = 0.0
        self.decided = asyncio.get_running_loop().create_future()
        self._namespace, self._unreachables, self._error = namespace, 0, 0
        self._loop = asyncio.get_running_loop()
        self.sock = namespace.socket(route.family)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bind(self.sock, route)
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Send the SYN, and wait for what comes."""
        self._unreachables = self._namespace.unreachables(self.route.family)
        self.send()
        self.watch()

    def send(self) -> None:
        """Send the SYN."""
        self.started = self._loop.time()
        self._error = self.sock.connect_ex((self.route.target, self.route.port))

    def watch(self) -> None:
        """Wait for what comes."""
        local = self.sock.getsockname()
        self.four = (local[0], local[1], self.route.target, self.route.port)
        self._look_at(self.started + WINDOW)
        if self._error in (0, errno.EINPROGRESS):
            self._loop.add_writer(self.sock, self._connected)
            self._soft_error()
        else:
            self._result(self._error)

    def close(self) -> None:
        """Close the connection, or stop waiting for it: a socket in SYN_SENT goes without a word."""
        self._forget()
        if self._timer:
            self._timer.cancel()
        self._settle("T")
        self.sock.close()

    def abort(self) -> None:
        """Close the connection with a reset, so that nothing of it stays."""
        if "E" in (self.letter, self.late) and self.sock.fileno() >= 0:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.close()

    def _connected(self) -> None:
        self._loop.remove_writer(self.sock)
        self._result(self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))

    def _soft_error(self) -> bool:
        """Ask for an ICMP error that came back while a call of ours had the socket, as over veth while connect(2) runs.

        The kernel keeps it as a soft one: it is told by SO_ERROR, wakes nobody, and the SYN is repeated. On a network
        it comes after connect(2), and ends the dial.
        """
        error = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self._loop.remove_writer(self.sock)
            self._result(error)
        return bool(error)

    def _result(self, error: int) -> None:
        letter = "E"
        if error in (errno.ECONNRESET, errno.EPIPE):
            letter = "D"
        elif error == errno.ECONNREFUSED or error in UNREACHABLE:
            letter, self.refusal = "R", self._refused_by(error)
        elif error:
            letter, self.refusal = "R", errno.errorcode.get(error, str(error))
        if self.letter == "T" or self._repeated():
            self.letter, self.late = "T", letter
        elif letter == "E":
            self._loop.add_reader(self.sock, self._readable)
            self.letter = letter
        self._settle(letter)
        if letter == "R":
            # After a soft error the socket would go on sending SYNs, which no client of a real network does.
            self._forget()
            self.sock.close()

    def _readable(self) -> None:
        """Within the window only: a connection on which nobody has said anything has ended."""
        try:
            data = self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.letter = "D"
        self._forget()

    def _repeated(self) -> bool:
        """Tell whether the SYN was sent again before this came, whatever our own clock says."""
        info = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TOTAL_RETRANS.size)
        return bool(TOTAL_RETRANS.unpack(info)[0])

    def _refused_by(self, error: int) -> str:
        """Tell an ICMP error from a reset: one has come in since the SYN."""
        came = self._namespace.unreachables(self.route.family) > self._unreachables
        return "icmp" if came or error in UNREACHABLE else "rst"

    def _look_at(self, moment: float) -> None:
        self._timer = self._loop.call_at(moment, self._window_ends, moment)

    def _window_ends(self, due: float) -> None:
        now = self._loop.time()
        if now - due > LATE_LOOK and now - self.started < LONGEST:
            self._look_at(now + AGAIN)
            return
        if self.letter == "E":
            self._loop.remove_reader(self.sock)
        elif self.decided.done() or not self._soft_error():
            self._settle("T")

    def _settle(self, letter: str) -> None:
        self.letter = self.letter or letter
        if not self.decided.done():
            self.decided.set_result(self.letter)

    def _forget(self) -> None:
        if self.sock.fileno() >= 0:
            self._loop.remove_reader(self.sock)
            self._loop.remove_writer(self.sock)
