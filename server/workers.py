"""The processes that accept for one server (server/worker.py), as their parent has them."""

from __future__ import annotations

import collections
import contextlib
import gc
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Collection, Iterator

from connlab.machine.events import emit
from connlab.machine.named_tuple import NamedTuple
from server.connections import Connections, Handle, Peer
from server.journal import CLOSED, Journal
from server.worker import FULL, LOOK, ORDER, STOP, Worker

# Makes the loop of a worker: its number, the listener, its channel, its journal.
Maker = Callable[[int, socket.socket, socket.socket, Journal], Worker]


class Held(NamedTuple):
    """What stands in the account for a connection of a worker."""

    process: int
    descriptor: int
    serial: int


class Process:
    """A worker that runs: its number, its process, the channel to it, and what it writes."""

    def __init__(self, number: int, listener: socket.socket, make: Maker) -> None:
        self.number, self.journal = number, Journal()
        self.channel, far_end = socket.socketpair()
        self.channel.setblocking(False)  # nobody waits for a worker that is stopped
        self.started = time.monotonic()
        self._orders = bytearray()  # that it has not taken yet
        self.pid = os.fork()
        if not self.pid:
            self._work(listener, far_end, make)
        far_end.close()
        self._sources: dict[bytes, str] = {}

    def _work(self, listener: socket.socket, channel: socket.socket, make: Maker) -> None:
        """Serve in the child, with nothing of the parent's but the listener; never returns."""
        status = 1
        try:
            keep = sorted({listener.fileno(), channel.fileno()})
            for low, high in zip(
                [2, *keep], [*keep, resource.getrlimit(resource.RLIMIT_NOFILE)[0]], strict=True
            ):
                os.closerange(low + 1, high)
            stopping = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
            for number in stopping:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, stopping)
            gc.freeze()
            gc.disable()  # the loop makes no circles, and looks at all that is held would cost it
            with contextlib.suppress(EOFError, ConnectionError):
                make(self.number, listener, channel, self.journal).run()
                status = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        os._exit(status)

    def order(self, orders: bytes = b"") -> None:
        """Tell it, as soon as it takes that; nothing happens if it has ended."""
        self._orders += orders
        with contextlib.suppress(OSError):
            while self._orders:
                del self._orders[: self.channel.send(self._orders)]

    def changes(self) -> Iterator[tuple[Handle, Peer | None]]:
        """Return what it has accepted and closed since the last time."""
        for record in self.journal.read():
            held = Held(self.pid, record.descriptor, record.serial)
            if record.address == CLOSED:
                yield held, None
            else:
                source = self._sources.get(record.address)
                if source is None:
                    source = self._sources[record.address] = sys.intern(socket.inet_ntoa(record.address))
                yield held, (source, record.source_port, record.moment)

    def asks(self) -> tuple[bool, bool]:
        """Return whether it was full, and whether it has ended."""
        try:
            came = self.channel.recv(1 << 12)
        except BlockingIOError:
            return False, False
        except ConnectionError:
            came = b""
        return FULL in came, not came


class Workers:
    """All of them, by number, and their account, which is that of the server."""

    def __init__(self, listener: socket.socket, connections: Connections, make: Maker, tell: bool) -> None:
        self._listener, self._connections, self._make, self._tell = listener, connections, make, tell
        self.running: dict[int, Process] = {}

    def start(self, number: int) -> None:
        """Start one. Raises OSError: no process to be had, or no descriptor."""
        process = Process(number, self._listener, self._make)
        self.running[number] = process
        emit("worker_started", worker=number, pid=process.pid)

    def read(self) -> None:
        """Enter into the account what they have written, and tell them what they did not take before."""
        for process in self.running.values():
            process.order()
            self._connections.enter(process.changes())

    def shut(self, handles: Collection[Handle], how: int) -> None:
        """Have each shut those of its connections."""
        orders: dict[int, bytearray] = collections.defaultdict(bytearray)
        for held in handles:
            if isinstance(held, Held):
                orders[held.process] += ORDER.pack(how, held.descriptor, held.serial)
        for process in self.running.values():
            if process.pid in orders:
                process.order(bytes(orders[process.pid]))

    def stop(self) -> None:
        """Have each accept no more, and close what it holds."""
        self._all(STOP)

    def look(self) -> None:
        """Have each look whether somebody waits: who was woken for a newcomer could not take it."""
        self._all(LOOK)

    def ended(self, process: Process, stopping: bool) -> None:
        """Reap one that has ended, and take what it held out of the account; emit it, if it was not told to."""
        _, wait_status = os.waitpid(process.pid, 0)
        self._connections.enter(process.changes())
        lost = self._connections.held(
            lambda handle: isinstance(handle, Held) and handle.process == process.pid
        )
        for source, port, _ in lost.values() if self._tell else ():
            emit("closed", source=source, source_port=port, bytes_in=None, bytes_out=None, seconds=None,
                 by="error", error="no process")  # fmt: skip
        del self.running[process.number]
        process.channel.close()
        self._connections.enter((handle, None) for handle in lost)
        status = os.waitstatus_to_exitcode(wait_status)
        if status or not stopping:
            emit("worker_ended", worker=process.number, pid=process.pid, status=status, closed=len(lost),
                 untold=int(process.journal.unsure()))  # fmt: skip

    def kill(self) -> None:
        """End those that are left at once."""
        for process in self.running.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)

    def _all(self, what: int) -> None:
        for process in self.running.values():
            process.order(ORDER.pack(what, 0, 0))
