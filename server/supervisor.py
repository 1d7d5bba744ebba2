"""The listener: opened at the start, closed at the end, and in between restarted in the same network namespace.

A restart of the container gets a new network namespace, without the TIME_WAIT sockets of the old one. Here PID 1 stays,
and with it the namespace, the reports of refusals and all counts; for the kernel it is a restart all the same: the
listener is closed, every connection is closed with FIN, and a new socket is bound. If that fails, it is tried again
each second: over TIME_WAIT without SO_REUSEADDR for a minute (docs/kernel.md R01).
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable

from connlab.machine.events import emit
from server import mode_loader
from server.connections import Connections
from server.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from server.mode_loader import ModeServer

STOP = {signal.SIGTERM, signal.SIGINT}
RESTART = signal.SIGHUP
GRACE = 1.5  # seconds for all connections to close; `docker stop` must see the end within 2
EXIT_AFTER = 10.0  # seconds more, before a restart: what still runs then would be half a server
RETRY = 1.0  # seconds between two tries to bind
# Bytes: the place of tcpi_unacked in struct tcp_info, of a listener the length of its accept queue.
UNACKED = 24

Background = Callable[..., threading.Thread]


class Supervisor:
    """The server of this host's mode, and its account. Signals are blocked in every thread."""

    def __init__(self, settings: Settings, connections: Connections, background: Background) -> None:
        self.settings = settings
        self._connections = connections
        self._background = background
        self._server: ModeServer  # once `bind` has succeeded
        self._state, self._error = "closed", ""
        # A restart that was requested and has no outcome yet: its flag for SO_REUSEADDR, None for the one in force.
        self._requests: list[bool | None] = []
        self._restarts = 0
        self._last: dict[str, object] | None = None
        self._restart_start = 0.0
        self._shutdown = threading.Thread()

    def bind(self) -> None:
        """Bind the port and listen. Raises `BadMode`, and OSError: it is taken, the address is not ours."""
        self._server = mode_loader.build(self.settings, self._connections)

    def serve(self) -> None:
        """Emit `listening`, and serve in a thread."""
        address, port = self._server.socket.getsockname()[:2]
        self._state, self._error = "listening", ""
        if self._last:  # before the event, on which somebody may ask for the account
            self._last = {**self._last, "listening_s": round(time.monotonic() - self._restart_start, 6)}
        emit("listening", address=address, port=port, mode=self.settings.mode,
             backlog=self._server.request_queue_size, reuse_address=self.settings.reuse_address)  # fmt: skip
        self._background(self._server.serve_forever, 0.1)

    def failed(self, error: OSError, **fields: object) -> None:
        """Emit `listen_failed`, once for each reason."""
        before, self._state, self._error = self._error, "failed", str(error)
        if before != self._error:
            where = f"LISTEN={self.settings.listen!r} PORT={self.settings.port}: {error}"
            if error.errno == errno.EADDRNOTAVAIL:
                where += ": it is no address of this host"
            emit(
                "listen_failed", address=self.settings.listen, port=self.settings.port, error=where, **fields
            )

    def wait(self) -> int:
        """Return the next signal; meanwhile try the port again each second, if it could not be bound."""
        while True:
            if self._state == "listening":
                return signal.sigwait({*STOP, RESTART})
            if info := signal.sigtimedwait({*STOP, RESTART}, RETRY):
                return info.si_signo
            self._attempt()

    def restart(self) -> None:
        """Stop as on SIGTERM, then bind again; the first attempt is the outcome that `account` has."""
        self._restart_start = time.monotonic()
        end = {"open": self._connections.count(), "waiting": self._waiting(), "clean": self.stop(RESTART)}
        self._wait_for_end()
        self._connections.stopping.clear()
        reuse = next(iter(self._requests), None)
        if reuse is not None:
            self.settings = self.settings._replace(reuse_address=reuse)
        self._error = ""
        self._restarts += 1
        self._last = None
        self._attempt()
        seconds = round(time.monotonic() - self._restart_start, 6)
        self._requests.clear()  # before its outcome is known: who knows that may ask for the next one
        self._last = {"number": self._restarts, **end, "error": self._error or None, "seconds": seconds,
                      "listening_s": None if self._error else seconds}  # fmt: skip

    def stop(self, number: int) -> bool:
        """Close the listener and every connection; returns whether all of them had ended within `GRACE`."""
        emit("stopping", signal=signal.Signals(number).name, open=self._connections.count())
        clean = True
        if self._state == "listening":
            self._state = "stopping"
            self._connections.stopping.set()
            # Beside the rest: a mode that serves one client, or waits for a child, returns when that one is closed.
            self._shutdown = self._background(self._server.shutdown)
            self._connections.close_all(within=GRACE, done=lambda: not self._shutdown.is_alive())
            clean = not (self._shutdown.is_alive() or self._connections.count())
            self._server.server_close()
        emit("stopped", clean=clean)
        return clean

    def _wait_for_end(self) -> None:
        """Wait until nothing of the old server is left; exit if that takes longer than `EXIT_AFTER`."""
        deadline = time.monotonic() + EXIT_AFTER
        while self._shutdown.is_alive() or self._connections.count() or _handlers():
            if time.monotonic() >= deadline:
                os._exit(1)
            time.sleep(0.005)

    def request_restart(self, reuse_address: str | None = None) -> dict[str, object]:
        """Do the verb `restart` of server.control; returns the number that the restart will have in `account`.

        Raises ValueError for a flag that is not "0" or "1", and while a restart is under way.
        """
        if reuse_address not in (None, "0", "1"):
            raise ValueError(f"reuse_address: expected 0 or 1, got {reuse_address!r:.80}")
        if self._requests:
            raise ValueError("a restart is under way")
        self._requests.append(None if reuse_address is None else reuse_address == "1")
        os.kill(os.getpid(), RESTART)
        return {"number": self._restarts + 1}

    def account(self) -> dict[str, object]:
        """Return `state` (`listening`, `stopping` or `failed`), `error` and `last`, how the last restart ended."""
        return {"state": self._state, "error": self._error or None, "reuse_address": self.settings.reuse_address,
                "last": self._last}  # fmt: skip

    def _attempt(self) -> None:
        try:
            self.bind()
        except OSError as error:
            self.failed(error, again_s=RETRY)
        else:
            self.serve()

    def _waiting(self) -> int:
        """Return how many connections wait for accept(2); closing the listener resets them (B09)."""
        if self._state != "listening":
            return 0
        info = self._server.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, UNACKED + 4)
        return int(struct.unpack_from("=I", info, UNACKED)[0])


def _handlers() -> bool:
    """Return whether a thread that socketserver started for a connection has not ended, or not yet begun."""
    return any("process_request_thread" in thread.name for thread in threading.enumerate())
