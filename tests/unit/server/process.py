"""The server as a process of this machine, without its policy, and the ways to deal with it."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from connlab.base.model import Event, events
from connlab.base.wait import until

HOME = Path(__file__).parents[3]
NFLOG = json.loads((HOME / "tests/unit/data/nflog.json").read_text())  # datagrams of a real kernel
SOON = 5.0  # seconds; everything here takes milliseconds, unless the machine is busy


@dataclass(frozen=True)
class Server:
    """A running one: where it listens, what it writes to, and the name of its status socket."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    status: str


def said(server: Server, name: str) -> list[Event]:
    """What the server has written under this name so far; all of the log must be events."""
    return [event for event in events(server.log.read_text()) if event.event == name]


def heard(server: Server, name: str, count: int = 1) -> list[Event]:
    """The events of this name, as soon as there are `count`."""
    until(lambda: len(said(server, name)) >= count, f"the server says `{name}` {count} times", SOON)
    return said(server, name)


def dial(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=SOON)


def receive(sock: socket.socket, count: int) -> bytes:
    """`count` bytes, or what came before the end."""
    data = b""
    while len(data) < count and (more := sock.recv(count - len(data))):
        data += more
    return data


def echo(sock: socket.socket, message: bytes) -> bytes:
    sock.sendall(message)
    return receive(sock, len(message))


def reset(sock: socket.socket) -> None:
    """Close with an RST instead of a FIN (SO_LINGER with no time)."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def lives(server: Server) -> bool:
    """Whether it still serves newcomers."""
    with dial(server) as newcomer:
        return echo(newcomer, b"still there?") == b"still there?"


def ask(server: Server) -> subprocess.CompletedProcess[str]:
    """What `python3 -m server.control` says of it."""
    argv = [sys.executable, "-m", "server.control"]
    environment = {"CONNLAB_STATUS": server.status}
    return subprocess.run(argv, cwd=HOME, env=environment, capture_output=True, text=True, check=False)


def report(number: int) -> bytes:
    """A datagram that a real kernel sent, with another sequence number (attribute 12 of its message)."""
    datagram = bytearray.fromhex(NFLOG["ipv4"][0])
    at = datagram.index(struct.pack("=HH", 8, 12)) + 4
    datagram[at : at + 4] = struct.pack(">I", number)
    return bytes(datagram)
