"""A server as a real process on loopback, in any concurrency model: no policy, no container.

clients in a test ── 127.0.0.1 ── python3 -m server.serve
"""

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

from connlab.base.wait import until
from server.control import ask
from tests.support.given import given
from tests.unit.server.process import receive

HOME = Path(__file__).parents[4]
WITHIN = 20
GREETING = b"Got a connection from server"
KNOBS = {
    "CONNLIMIT": "15", "FIREWALL": "connlimit", "SYSCTL": "article", "SERVER_MODE": "threading", "BACKLOG": "",
    "REUSE_ADDRESS": "1", "GREETING": "", "LISTEN": "127.0.0.1", "POOL_SIZE": "3", "HANDLER": "echo",
    **given(),
}  # fmt: skip
MODES = sorted(path.stem for path in (HOME / "server/modes").glob("*.py") if path.stem[0] != "_")
MODULES = {mode: importlib.import_module(f"server.modes.{mode}") for mode in MODES}
ECHOING = [mode for mode in MODES if "GREETING" in MODULES[mode].KNOBS]
WITH_HANDLER = [mode for mode in MODES if "HANDLER" in MODULES[mode].KNOBS]
# Clients served at once, of the modes that have a bound.
BOUND = {
    mode: int(KNOBS.get(module.SERVED_AT_ONCE, module.SERVED_AT_ONCE))
    for mode, module in MODULES.items()
    if module.SERVED_AT_ONCE is not None
}
UNBOUNDED = [mode for mode in MODES if mode not in BOUND]


class Server:
    """One server process, its log, and its operator's hand."""

    def __init__(self, folder: Path, port: int, descriptors: int = 0, **knobs: str) -> None:
        self.port, self.log_file = port, folder / f"log-{len(list(folder.iterdir()))}"
        self.environment = {
            **KNOBS,
            "PORT": str(port),
            "CONNLAB_STATUS": f"connlab-{os.getpid()}-{port}",
            **knobs,
        }
        argv = [sys.executable, "-S", "-E", "-m", "server.serve", "-1"]
        if descriptors:
            argv = ["sh", "-c", 'ulimit -n "$0" && exec "$@"', str(descriptors), *argv]
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                argv, cwd=HOME, env=self.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def log(self) -> list[dict]:
        """Everything it said; a line that is not one JSON object fails the test."""
        return [
            json.loads(line)
            for line in self.log_file.read_bytes().splitlines(keepends=True)
            if line.endswith(b"\n")
        ]

    def told(self, event: str) -> list[dict]:
        return [line for line in self.log() if line["event"] == event]

    def wait_for(self, event: str, count: int = 1) -> list[dict]:
        """The events of this name, once there are `count`."""
        return until(lambda: (found := self.told(event))[count - 1 :] and found, f"{count} {event}", WITHIN)

    def status(self, *arguments: str) -> subprocess.CompletedProcess:
        argv = [sys.executable, "-S", "-E", "-m", "server.control", *arguments]
        return subprocess.run(
            argv, cwd=HOME, env=self.environment, capture_output=True, text=True, check=False
        )

    def ask(self, *request: str) -> dict:
        """The answer that `status` prints, without a process for each question."""
        return json.loads(ask(request or ["account"], "\0" + self.environment["CONNLAB_STATUS"]))

    def account(self) -> dict:
        """open, accepted and refused of the one source there is here."""
        return self.ask()["sources"].get("127.0.0.1", {})

    def is_open(self, count: int) -> None:
        """Wait until the account says that so many connections are open."""
        until(lambda: self.account().get("open", 0) == count, f"{count} are open", WITHIN, every=0.05)

    def processes(self) -> list[int]:
        """Its children: every process of its session, zombies included, but itself."""
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                pid, _, rest = path.read_text().partition(" (")
                if int(rest.rpartition(")")[2].split()[3]) == self.process.pid:
                    found.append(int(pid))
        return [pid for pid in found if pid != self.process.pid]

    def child(self) -> int:
        """The process that serves the one connection of a forking server; it is forked after `accepted` was said."""
        (child,) = until(self.processes, "the child is there", WITHIN)
        return child

    def dial(self, source: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), WITHIN, (source, 0))

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WITHIN)


def has_said(sock: socket.socket) -> bool:
    """Whether something is there to be read, now."""
    return bool(select.select([sock], [], [], 0)[0])


def is_served(server: Server) -> None:
    """A new client gets what this mode gives."""
    with server.dial() as sock:
        if server.environment["SERVER_MODE"] == "greeting":
            assert receive(sock, len(GREETING)) == GREETING
        sock.sendall(b"are you there?")
        if server.environment["SERVER_MODE"] != "greeting":
            assert receive(sock, 14) == b"are you there?"
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""


def fill(sock: socket.socket) -> int:
    """Send without reading until nobody takes any more; returns how many bytes that took.

    It ends because every buffer on the way has an end; nothing taken for a tenth of a second is the end.
    """
    sock.setblocking(False)
    sent = 0
    with contextlib.suppress(ConnectionError):
        while select.select([], [sock], [], 0.1)[1]:
            sent += sock.send(b"y" * 65536)
    return sent
