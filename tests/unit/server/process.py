"""The server as a process of this machine, in any mode, without policy and container.

clients in a test ── 127.0.0.1 ── python3 -m server.serve
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connlab.base.model import Event
from connlab.base.wait import until
from tests.support.menu import MENU
from tests.support.processes import host_python, run_program

HOME = Path(__file__).parents[3]
WITHIN = 20.0  # seconds; everything here takes milliseconds, unless the machine is busy
GREETING = b"Got a connection from server"
# A bound that few clients reach, and no address but this machine\'s own.
KNOBS = {**MENU, "POOL_SIZE": "3", "LISTEN": "127.0.0.1"}


@dataclass(frozen=True)
class Server:
    """A server process, the port it listens on, and the file that has its standard output and error."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    environment: Mapping[str, str]

    def events(self, name: str = "") -> list[Event]:
        """Return the events of this name so far, or all; a line of the log that is no event fails the test."""
        lines = self.log.read_text().splitlines(keepends=True)
        found = [Event.parse(line) for line in lines if line.endswith("\n")]
        assert None not in found, lines
        return [event for event in found if name in ("", event.event)]

    def wait_for(self, name: str, count: int = 1) -> list[Event]:
        """Return the events of this name, once there are `count`."""
        return until(lambda: (found := self.events(name))[count - 1 :] and found, f"{count} {name}", WITHIN)

    def control(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `python3 -m server.control ARGUMENTS`, as `make status` does in the server's host."""
        return run_program(host_python("-m", "server.control", *arguments), env=self.environment)

    @contextlib.contextmanager
    def control_socket(self, request: bytes):
        """Connect to the control socket, and send this."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(WITHIN)
            sock.connect("\0" + self.environment["CONNLAB_STATUS"])
            with contextlib.suppress(BrokenPipeError):  # one that is too long is hung up on
                sock.sendall(request)
            yield sock

    def ask(self, *request: object, raw: bytes = b"") -> Any:
        """Return the answer to a request (`account` if it is none), or to these bytes."""
        with self.control_socket(raw or json.dumps(request or ["account"]).encode()) as sock:
            sock.shutdown(socket.SHUT_WR)
            return json.loads(sock.makefile().read())

    def account(self) -> dict[str, Any]:
        """Return open, accepted and refused of the one source that there is here."""
        return self.ask()["sources"].get("127.0.0.1", {})

    def wait_for_open(self, count: int) -> None:
        """Wait until the account says that so many connections are open."""
        until(lambda: self.account().get("open", 0) == count, f"{count} are open", WITHIN, every=0.05)

    def children(self) -> list[int]:
        """List every process of its session, zombies included, but itself."""
        pids = []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(ProcessLookupError):
                if os.getsid(pid := int(path.name)) == self.process.pid != pid:
                    pids.append(pid)
        return pids

    def wait_for_no_children(self) -> None:
        """Wait until every child has ended and is reaped, but the workers of a prefork server that runs."""
        until(lambda: len(self.children()) == self.workers(), "no other child is left", WITHIN)

    def workers(self) -> int:
        """Return how many processes accept, beside its own."""
        runs = self.process.poll() is None
        return (
            int(self.environment["WORKERS"]) if runs and self.environment["SERVER_MODE"] == "prefork" else 0
        )

    def child(self) -> int:
        """Return the process of a forking server's only connection, which is forked after `accepted` is written."""
        (child,) = until(self.children, "the child is there", WITHIN)
        return child

    def dial(self, source: str = "127.0.0.1") -> socket.socket:
        """Connect to it from an address of this machine."""
        return socket.create_connection(("127.0.0.1", self.port), WITHIN, (source, 0))

    @contextlib.contextmanager
    def dials(self, count: int) -> Iterator[list[socket.socket]]:
        """Connect so often, and close all of them in the end."""
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(self.dial()) for _ in range(count)]

    def check_service(self) -> None:
        """Dial, and hold what comes against what the mode gives a new client."""
        with self.dial() as sock:
            if self.environment["SERVER_MODE"] == "greeting":
                assert receive(sock, len(GREETING)) == GREETING
                sock.sendall(b"are you there?")
            else:
                assert echo(sock, b"are you there?") == b"are you there?"
            sock.shutdown(socket.SHUT_WR)
            assert sock.recv(1) == b""

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(WITHIN)


def receive(sock: socket.socket, count: int) -> bytes:
    """Receive `count` bytes, or what comes before the end."""
    data = bytearray()  # to which megabytes are added without copying what is there
    while len(data) < count and (more := sock.recv(min(count - len(data), 1 << 16))):
        data += more
    return bytes(data)


def echo(sock: socket.socket, message: bytes) -> bytes:
    """Send a message, and receive as many bytes."""
    sock.sendall(message)
    return receive(sock, len(message))


def is_readable(sock: socket.socket) -> bool:
    """Return whether something is there to be read, now."""
    return bool(select.select([sock], [], [], 0)[0])


def reset(sock: socket.socket) -> None:
    """Close with an RST instead of a FIN (SO_LINGER with no time)."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def fill(sock: socket.socket) -> int:
    """Send without reading until nobody takes any more; returns how many bytes that took.

    It ends because every buffer on the way has an end; nothing taken for a tenth of a second is the end.
    """
    sock.setblocking(False)
    count = 0
    with contextlib.suppress(ConnectionError):
        while select.select([], [sock], [], 0.1)[1]:
            count += sock.send(b"y" * 65536)
    return count
