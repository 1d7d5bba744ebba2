"""The operator's hand on the server, without a connection: an abstract Unix socket.

`python3 -m server.control` prints the server's own account of its connections, `... close SOURCE PORT`
makes it close one, with a FIN of its own, `... close SOURCE` all of a source; both print how many there were.
An abstract name (unix(7)) belongs to the network namespace and takes no place in the file system, which is
read-only.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence

# A test on a machine that already has a server in this namespace needs another name.
ADDRESS = "\0" + os.environ.get("CONNLAB_STATUS", "connlab-status")
PATIENCE = 2.0  # seconds for the other side to say all it wants, and to take its answer
AT_ONCE = 32  # questions that are answered at a time; one more is told so
LONGEST = 1 << 18  # bytes of a question
DEEPEST = (
    64  # brackets of a question; in threads of 256 KiB json (Python 3.13) overflows the stack at 100,000
)
PAUSE = 0.05  # seconds after a failed accept(2), which may be for want of descriptors

Verbs = Mapping[str, Callable[..., object]]


def listen() -> socket.socket:
    """The socket that questions come to; whoever asks from now on is answered, if only later."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(ADDRESS)
    listener.listen()
    return listener


def answer(listener: socket.socket, verbs: Verbs) -> None:
    """Answer everyone who asks, for ever: a request is a JSON list of a verb and its arguments.

    Each is answered on its own, so who connects and says nothing keeps nobody waiting. Nonsense is answered with
    `{"error": ...}`; who hangs up, or comes when no descriptor is left, gets nothing.
    """
    free = threading.BoundedSemaphore(AT_ONCE)
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            time.sleep(PAUSE)
            continue
        if not free.acquire(blocking=False):
            _heard(connection, time.monotonic() + PAUSE)  # what is not read makes an RST of the end
            _say(connection, PAUSE, {"error": f"{AT_ONCE} others ask at this moment"})
            continue
        try:
            threading.Thread(target=_serve, args=(connection, verbs, free), daemon=True).start()
        except RuntimeError:  # no thread to be had (clone(2): EAGAIN)
            free.release()
            connection.close()


def _serve(connection: socket.socket, verbs: Verbs, free: threading.BoundedSemaphore) -> None:
    try:
        said = _heard(connection, time.monotonic() + PATIENCE)
        if said is None:
            connection.close()
        else:
            _say(connection, PATIENCE, _reply(verbs, said))
    finally:
        free.release()


def _heard(connection: socket.socket, deadline: float) -> bytes | None:
    """All that the other side says until it shuts its side; None if that is not soon enough, or too much."""
    said = b""
    with contextlib.suppress(OSError):
        while len(said) <= LONGEST and (left := deadline - time.monotonic()) > 0:
            connection.settimeout(left)
            if not (part := connection.recv(1 << 16)):
                return said
            said += part
    return None


def _say(connection: socket.socket, within: float, reply: object) -> None:
    """Answer, as far as the other side takes it in so many seconds, and hang up."""
    with connection, contextlib.suppress(OSError):
        connection.settimeout(within)  # of all that sendall() does
        connection.sendall(json.dumps(reply).encode())


def _reply(verbs: Verbs, request: bytes) -> object:
    try:
        if request.count(b"[") + request.count(b"{") > DEEPEST:
            raise ValueError(f"more than {DEEPEST} brackets")
        verb, *arguments = json.loads(request)
        return verbs[verb](*arguments)
    except (ValueError, TypeError, KeyError, AttributeError) as nonsense:
        return {"error": f"{nonsense!r}; there are: {', '.join(verbs)}"}
    except OSError as trouble:
        return {"error": str(trouble)}


def ask(request: Sequence[str], address: str = ADDRESS) -> str:
    """What the server answers. Raises OSError if it does not answer in time, or is not there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(address)
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
