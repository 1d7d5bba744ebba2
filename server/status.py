"""The server's own account of its connections, told without a connection: over an abstract Unix socket.

`python3 -m server.status` prints it. An abstract name (unix(7)) belongs to the network namespace and
takes no place in the file system, which is read-only.
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable

ADDRESS = "\0connlab-status"


def answer(account: Callable[[], object]) -> None:
    """Answer everyone who asks, for ever, with `account()` as JSON."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(ADDRESS)
        listener.listen()
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(json.dumps(account()).encode())


def ask(within: float = 2.0) -> str:
    """What the server says. Raises OSError if it does not answer `within` seconds, or is not there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(within)
        connection.connect(ADDRESS)
        with connection.makefile() as stream:
            return stream.read()


if __name__ == "__main__":
    try:
        print(ask())
    except OSError as silent:
        sys.exit(f"the server does not answer: {silent}")
