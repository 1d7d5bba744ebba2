"""Not in the article: WORKERS processes that accept from one listener, for as many connections as a machine has.

A process has 20,000 descriptors at most in many places, and one processor at a time: so 13 of them hold 250,000
connections. They wait for one listener, and a newcomer wakes one of them (EPOLLEXCLUSIVE). Listeners of their own
(SO_REUSEPORT) would divide newcomers by their addresses, so one that is full, or has died, would take those in whom it
cannot serve, and the port could be bound over TIME_WAIT without SO_REUSEADDR; they were no faster (docs/knobs.md).
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Collection

from connlab.machine.events import emit
from server.connections import Connections, Handle
from server.handlers import greeting
from server.journal import Journal
from server.listener import PAUSE, somaxconn
from server.settings import Settings
from server.telling import TellingWorker
from server.worker import Worker
from server.workers import Maker, Process, Workers

BACKLOG = somaxconn()
SERVED_AT_ONCE = None
KNOBS = ("GREETING",)
TICK = 0.1  # seconds between two looks at what workers have written
LAST_TICK = 0.005  # the same, while the server stops


class PreforkServer:
    """The parent: it accepts nobody, keeps the account, and replaces a worker that has died."""

    def __init__(self, settings: Settings, connections: Connections) -> None:
        self.connections = connections
        self.request_queue_size = settings.backlog_or(BACKLOG)
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, settings.reuse_address)
        self.socket.bind((settings.listen, settings.port))
        self.socket.listen(self.request_queue_size)
        self._workers = Workers(self.socket, connections, _maker(settings), settings.events == "each")
        self._due = dict.fromkeys(range(1, settings.workers + 1), 0.0)  # when to start each that does not run
        self._reading = threading.RLock()
        self._serving, self._stop, self._ended = False, False, threading.Event()
        connections.shut, connections.catch_up = self._shut, self._read

    def serve_forever(self, _poll_interval: float) -> None:
        """Keep the workers running until `shutdown`, and then until the last has ended."""
        self._serving = True
        while not self._stop or self._workers.running:
            self._start_those_due()
            self._look_after(TICK if not self._stop else LAST_TICK)
            self._read()
        self._ended.set()

    def shutdown(self) -> None:
        """Take no more connections, and wait for the end of those that there are."""
        with self._reading:
            self._stop = True
            self.socket.shutdown(socket.SHUT_RDWR)
            self._workers.stop()
        self._ended.wait()

    def server_close(self) -> None:
        """Close the listener, and end the workers that are left, if any: no orphans."""
        self._workers.kill()
        if self._serving:
            self._ended.wait()
        self.socket.close()

    def _start_those_due(self) -> None:
        with self._reading:
            for number, moment in list(self._due.items()):
                if self._stop or moment > time.monotonic():
                    continue
                del self._due[number]
                try:
                    self._workers.start(number)
                except OSError as error:
                    emit("accept_failed", error=str(error), seconds=PAUSE)
                    self._due[number] = time.monotonic() + PAUSE

    def _look_after(self, patience: float) -> None:
        """Wait for a worker that is full or ends, for so many seconds."""
        with self._reading:
            processes = {process.channel.fileno(): process for process in self._workers.running.values()}
        poll = select.poll()
        for descriptor in processes:
            poll.register(descriptor, select.POLLIN)
        for descriptor, _ in poll.poll(patience * 1000):
            self._answer(processes[descriptor])

    def _answer(self, process: Process) -> None:
        full, ended = process.asks()
        with self._reading:
            if ended:
                self._workers.ended(process, self._stop)
                self._due[process.number] = process.started + PAUSE
            if full or ended:
                self._workers.look()

    def _shut(self, handles: Collection[Handle], how: int) -> None:
        with self._reading:
            self._workers.shut(handles, how)

    def _read(self) -> None:
        with self._reading:
            self._workers.read()


def _maker(settings: Settings) -> Maker:
    def make(number: int, listener: socket.socket, channel: socket.socket, journal: Journal) -> Worker:
        if settings.events == "each":
            return TellingWorker(number, listener, channel, journal, greeting())
        return Worker(listener, channel, journal, greeting())

    return make


def build(settings: Settings, connections: Connections) -> PreforkServer:
    """Return the server, bound and listening."""
    return PreforkServer(settings, connections)
