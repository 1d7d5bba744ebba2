"""One of several processes that accept from one listener: a loop on epoll(7), which waits for nobody but it.

The sockets are those of `_socket`, without what the standard library puts around each that is accepted. Nobody is
waited for (MSG_DONTWAIT), and no more than one message of a connection is in memory: while an echo is not taken,
nothing is received. server/telling.py is the same with an event for each connection and message.
"""

from __future__ import annotations

import _socket
import select
import socket
import struct
import time

from server import connection as conn
from server.journal import CLOSED, Journal
from server.listener import PAUSE, exhausted

MOST_AT_ONCE = 64  # connections that are accepted before those that are served have a turn
MOST_EVENTS = 256  # of one epoll_wait(2)
# From the parent: what to do, and with which connection, by its descriptor and serial number. `SHUT_RD` and `SHUT_RDWR`
# of shutdown(2) are about one; LOOK: accept, if somebody waits; STOP: accept no more, and shut all.
ORDER = struct.Struct("=iII")
STOP, LOOK = -1, -2
FULL = b"f"  # to the parent: this worker could not accept, so the others have to look


class Worker:
    """The loop, and what it holds: by descriptor its socket and the number of its connection, counted from 1."""

    def __init__(
        self, listener: socket.socket, channel: socket.socket, journal: Journal, greeting: bytes
    ) -> None:
        self.listener, self.channel, self.journal, self.greeting = listener, channel, journal, greeting
        self.epoll = select.epoll()
        self.sockets: dict[int, tuple[_socket.socket, int]] = {}
        self.unsent: dict[int, bytes] = {}
        self.shut: set[int] = set()  # descriptors whose connections are shut on this side
        self.accepted = 0
        self.at_once = 1
        self.accept_after = 0.0  # 0: the listener is waited for
        self.stopping = False
        self.orders = b""

    def run(self) -> None:
        """Serve until told to stop, and then until nothing is left. Raises EOFError if the parent has gone."""
        listener, channel, poll = self.listener.fileno(), self.channel.fileno(), self.epoll.poll
        self.epoll.register(channel, select.EPOLLIN)
        self._wait_for_newcomers()
        while not self.stopping or self.sockets:
            pause = max(0.0, self.accept_after - time.monotonic()) if self.accept_after else None
            if pause == 0:
                self._wait_for_newcomers()
            for descriptor, _ in poll(pause, MOST_EVENTS):
                if descriptor == listener:
                    self.accept()
                elif descriptor == channel:
                    self.obey()
                else:
                    self.serve(descriptor)

    def accept(self) -> None:
        """Accept those who wait: twice as many as the last time, if so many came, so a single one costs one call."""
        accept, journal, count = self.listener._accept, self.journal, 0  # type: ignore[attr-defined]
        event = select.EPOLLOUT if self.greeting else select.EPOLLIN
        try:
            while count < self.at_once:
                journal.accepting(True)
                descriptor, (source, port) = accept()
                self.accepted = serial = self.accepted + 1
                sock = _socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, descriptor)
                journal.write(descriptor, serial, port, socket.inet_aton(source), conn.established(sock))
                journal.accepting(False)
                self.sockets[descriptor] = sock, serial
                self.epoll.register(descriptor, event)
                self.opened(descriptor, sock, source, port)
                if self.greeting:
                    self.unsent[descriptor] = self.greeting
                self.serve(descriptor)  # the first bytes are often there already
                count += 1
            self.at_once = min(2 * count, MOST_AT_ONCE)
        except OSError as error:  # nobody waits any more, or who did has gone again
            journal.accepting(False)
            self.at_once = max(count, 1)
            # An event of the same batch may have brought it here.
            if exhausted(error) and not self.accept_after:
                self.epoll.unregister(self.listener)
                self.accept_after = time.monotonic() + PAUSE
                self.channel.send(FULL)

    def serve(self, descriptor: int) -> None:
        """Take what has come and echo it, or send the rest of the last echo."""
        entry = self.sockets.get(descriptor)
        if entry is None:  # closed since the kernel said that it was ready
            return
        sock = entry[0]
        try:
            if descriptor in self.unsent:
                if self.send(descriptor, sock, self.unsent.pop(descriptor)):
                    self.epoll.modify(descriptor, select.EPOLLIN)
            elif data := sock.recv(conn.RECEIVE, socket.MSG_DONTWAIT):
                self.received(descriptor, data)
                if not self.send(descriptor, sock, data):
                    self.epoll.modify(descriptor, select.EPOLLOUT)
            else:
                self.end(descriptor, None)
        except BlockingIOError:
            return
        except OSError as error:
            self.end(descriptor, error)

    def send(self, descriptor: int, sock: _socket.socket, data: bytes) -> bool:
        """Send what the kernel takes now, and keep the rest; returns whether that was all. Raises OSError."""
        try:
            count = sock.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            count = 0
        self.sent(descriptor, count)
        if count == len(data):
            return True
        self.unsent[descriptor] = data[count:]
        return False

    def end(self, descriptor: int, trouble: OSError | None) -> None:
        """Close a connection with FIN, and write that it is closed."""
        sock, serial = self.sockets.pop(descriptor)
        self.unsent.pop(descriptor, None)
        self.ending(descriptor, sock, trouble)
        if descriptor in self.shut:  # what still came would make an RST of our close
            self.shut.discard(descriptor)
            conn.shut(sock, socket.SHUT_WR)
        sock.close()
        self.closed(descriptor)
        self.journal.write(descriptor, serial, 0, CLOSED, 0.0)

    def obey(self) -> None:
        """Do what the parent says. Raises EOFError if it has gone."""
        came = self.channel.recv(1 << 16)
        if not came:
            raise EOFError
        orders = self.orders + came
        whole = len(orders) - len(orders) % ORDER.size
        self.orders = orders[whole:]
        for what, descriptor, serial in ORDER.iter_unpack(orders[:whole]):
            if what == LOOK:
                if not self.accept_after and not self.stopping:
                    self.accept()
            elif what == STOP:
                self.stop()
            elif descriptor in self.sockets and self.sockets[descriptor][1] == serial:
                self.shut.add(descriptor)
                conn.shut(self.sockets[descriptor][0], what)

    def stop(self) -> None:
        """Accept no more, and shut the reading side of each connection: it is closed after the last echo."""
        self.stopping = True
        if not self.accept_after:
            self.epoll.unregister(self.listener)
        self.accept_after = 0.0
        self.shut.update(self.sockets)
        for sock, _ in self.sockets.values():
            conn.shut(sock, socket.SHUT_RD)

    def opened(self, descriptor: int, sock: _socket.socket, source: str, port: int) -> None:
        """Tell that a connection was accepted; nothing here."""

    def received(self, descriptor: int, data: bytes) -> None:
        """Tell a message; nothing here."""

    def sent(self, descriptor: int, count: int) -> None:
        """Count bytes that were sent; nothing here."""

    def ending(self, descriptor: int, sock: _socket.socket, trouble: OSError | None) -> None:
        """Find out who ended a connection, while it is open; nothing here."""

    def closed(self, descriptor: int) -> None:
        """Tell that a connection is closed; nothing here."""

    def _wait_for_newcomers(self) -> None:
        """Wait for the listener. One worker of those that wait is woken for a newcomer, not all (EPOLLEXCLUSIVE)."""
        self.accept_after = 0.0
        self.epoll.register(self.listener, select.EPOLLIN | select.EPOLLEXCLUSIVE)
