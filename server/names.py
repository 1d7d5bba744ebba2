"""What Compose calls this host: `server-1`."""

from __future__ import annotations

import functools
import re
import socket

EMBEDDED_DNS = ("127.0.0.11", 53)


@functools.cache
def host() -> str:
    """Service and number of this container, from its name in Docker's DNS; else the hostname."""
    name = socket.gethostname()
    try:
        found = re.fullmatch(r".*?([a-z]+)[-_](\d+)", _pointer(socket.gethostbyname(name)))
    except (OSError, IndexError):
        found = None
    return f"{found[1]}-{found[2]}" if found else name


def _pointer(address: str) -> str:
    """First label of an address's PTR record (RFC 1035 §3.3.12, §4.1). Raises OSError or IndexError.

    Not gethostbyaddr(3): /etc/hosts answers that first, with the container's id.
    """
    labels = [*reversed(address.split(".")), "in-addr", "arpa"]
    question = b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0\0\x0c\0\x01"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(1)
        sock.connect(EMBEDDED_DNS)
        sock.send(b"\0\1\1\0\0\1\0\0\0\0\0\0" + question)
        answer = sock.recv(512)[12 + len(question) :]
    # The owner's name, whole or as a pointer into the question, then ten bytes up to the data.
    name = 2 if answer[0] >= 0xC0 else answer.index(0) + 1
    label = answer[name + 10 :]
    return label[1 : 1 + label[0]].decode("ascii", "replace")
