"""The operator's hand on the server, without a connection: an abstract Unix socket.

`python3 -m server.status` prints the server's own account of its connections, `... close SOURCE PORT`
makes it close one, with a FIN of its own. An abstract name (unix(7)) belongs to the network namespace and
takes no place in the file system, which is read-only.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence

WITHIN = 2.0  # seconds for each step of a question and its answer
PAUSE = 0.5  # seconds to leave the listener alone that cannot accept

# A test on a machine that already has a server in this namespace needs another name.
ADDRESS = "\0" + os.environ.get("CONNLAB_STATUS", "connlab-status")


def answer(verbs: dict[str, Callable[..., object]]) -> None:
    """Answer everyone who asks, for ever: a request is a JSON list of a verb and its arguments.

    A bad request, an asker that went away, and the want of a descriptor cost the answer, not the server.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(ADDRESS)
        listener.listen()
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                time.sleep(PAUSE)
                continue
            with connection, contextlib.suppress(OSError):
                connection.settimeout(WITHIN)
                connection.sendall(json.dumps(_answer(verbs, _all(connection))).encode())


def ask(request: Sequence[str]) -> str:
    """What the server answers. Raises OSError if it does not answer in time, or is not there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(WITHIN)
        connection.connect(ADDRESS)
        connection.sendall(json.dumps(request).encode())
        connection.shutdown(socket.SHUT_WR)
        return _all(connection)


def _answer(verbs: dict[str, Callable[..., object]], request: str) -> object:
    try:
        verb, *arguments = json.loads(request)
        return verbs[verb](*arguments)
    except (KeyError, OSError, TypeError, ValueError) as error:
        return {"error": f"{type(error).__name__}: {error}"}


def _all(connection: socket.socket) -> str:
    """Everything until the other side has said all: an account of many sources is long."""
    return b"".join(iter(lambda: connection.recv(1 << 16), b"")).decode()


def main(arguments: Sequence[str]) -> int:
    """Exit status 1 if there is no good answer."""
    try:
        said = ask(arguments or ["account"]) or '{"error": "the server ended"}'
    except OSError as silent:
        said = json.dumps({"error": f"the server does not answer: {silent}"})
    print(said, file=sys.stderr if said.startswith('{"error"') else sys.stdout)
    return int(said.startswith('{"error"'))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
