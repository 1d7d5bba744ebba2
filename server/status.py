"""The operator's hand on the server, without a connection: an abstract Unix socket.

`python3 -m server.status` prints the server's own account of its connections, `... close SOURCE PORT`
makes it close one, with a FIN of its own, `... close SOURCE` all of a source; both print how many there were.
An abstract name (unix(7)) belongs to the network namespace and takes no place in the file system, which is
read-only.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence

# A test on a machine that already has a server in this namespace needs another name.
ADDRESS = "\0" + os.environ.get("CONNLAB_STATUS", "connlab-status")
PATIENCE = 2.0  # seconds for the other side to say all it wants
PAUSE = 0.05  # seconds after a failed accept(2), which may be for want of descriptors


def listen() -> socket.socket:
    """The socket that questions come to; whoever asks from now on is answered, if only later."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(ADDRESS)
    listener.listen()
    return listener


def answer(listener: socket.socket, verbs: dict[str, Callable[..., object]]) -> None:
    """Answer everyone who asks, for ever: a request is a JSON list of a verb and its arguments.

    Nonsense is answered with `{"error": ...}`; who hangs up, or comes when no descriptor is left, gets nothing.
    """
    while True:
        try:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(PATIENCE)
                connection.sendall(json.dumps(_reply(verbs, connection.makefile().read())).encode())
        except OSError:
            time.sleep(PAUSE)


def _reply(verbs: dict[str, Callable[..., object]], request: str) -> object:
    try:
        verb, *arguments = json.loads(request)
        return verbs[verb](*arguments)
    except (ValueError, TypeError, KeyError) as nonsense:
        return {"error": f"{nonsense!r}; there are: {', '.join(verbs)}"}
    except OSError as trouble:
        return {"error": str(trouble)}


def ask(request: Sequence[str]) -> str:
    """What the server answers. Raises OSError if it does not answer in time, or is not there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(ADDRESS)
        connection.sendall(json.dumps(request).encode())
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile().read()


def main(arguments: Sequence[str]) -> int:
    """Exit status 1 if there is no good answer."""
    try:
        said = ask(arguments or ["account"]) or '{"error": "the server ended"}'
    except OSError as silent:
        said = json.dumps({"error": f"the server does not answer: {silent}"})
    wrong = said.startswith('{"error"')
    print(said, file=sys.stderr if wrong else sys.stdout)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
