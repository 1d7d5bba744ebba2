"""Who this host is: its name in the lab and its address."""

from __future__ import annotations

import socket

EMBEDDED_DNS = ("127.0.0.11", 53)
_cache: dict[str, str] = {}


def address() -> str | None:
    """Return this host's own IPv4 address, from the line that Docker writes into /etc/hosts (hosts(5))."""
    hostname = socket.gethostname()
    with open("/etc/hosts", "rb") as file:
        for line in file:
            number, *names = line.partition(b"#")[0].split() or [b""]
            if hostname.encode() in names and number.count(b".") == 3:
                return number.decode()
    return None


def host() -> str:
    """Return this host's name in the lab (`client-2`), or its hostname where Compose gave it none."""
    if "host" not in _cache:
        own = address()
        _cache["host"] = short(own and _pointer(own)) or socket.gethostname()
    return _cache["host"]


def short(name: str | None) -> str | None:
    """Return `client-2` for `connlab_client_2` (Compose 1.29) or `connlab-client-2` (2.x); None for other names."""
    parts = (name or "").replace("_", "-").rsplit("-", 2)
    return f"{parts[1]}-{parts[2]}" if len(parts) == 3 and parts[2].isdigit() else None


def _pointer(own: str) -> str | None:
    """Ask for the first label of an address's PTR record (RFC 1035 §3.3.12); None without an answer in a second.

    Not gethostbyaddr(3): /etc/hosts answers that first, with the container's id.
    """
    labels = [*reversed(own.split(".")), "in-addr", "arpa"]
    question = b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0\0\x0c\0\x01"
    query = b"\0\1\1\0\0\1\0\0\0\0\0\0" + question
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.settimeout(1)
            sock.connect(EMBEDDED_DNS)
            sock.send(query)
            return _first_label(sock.recv(512), len(query))
        except OSError:
            return None


def _first_label(reply: bytes, at: int) -> str | None:
    """Return the first label of the first answer's data; `at` is where the answers begin."""
    answers = int.from_bytes(reply[6:8], "big")
    while answers and at < len(reply) and 0 < reply[at] < 0xC0:
        at += reply[at] + 1
    at += 2 if reply[at : at + 1] >= b"\xc0" else 1
    at += 10
    label = reply[at + 1 : at + 1 + reply[at]] if answers and at < len(reply) else b""
    return label.decode("ascii", "replace") or None
