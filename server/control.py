"""The control socket of the server, an abstract Unix socket: its account, close, restart, without a TCP connection.

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
import time
from collections.abc import Callable, Mapping, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:  # at run time only who answers imports it
    import threading

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
    """Open the control socket; whoever asks from now on is answered, if only later."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(ADDRESS)
    listener.listen()
    return listener


def answer(listener: socket.socket, verbs: Verbs) -> None:
    """Answer everyone who asks, for ever: a request is a JSON list of a verb and its arguments.

    Each is answered on its own, so who connects and says nothing keeps nobody waiting. Nonsense is answered with
    `{"error": ...}`; who hangs up, or comes when no descriptor is left, gets nothing.
    """
    import threading

    free = threading.BoundedSemaphore(AT_ONCE)
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            time.sleep(PAUSE)
            continue
        if not free.acquire(blocking=False):
            _receive_request(connection, time.monotonic() + PAUSE)  # what is not read makes an RST of the end
            _send_reply(connection, PAUSE, {"error": f"{AT_ONCE} others ask at this moment"})
            continue
        try:
            threading.Thread(target=_serve, args=(connection, verbs, free), daemon=True).start()
        except RuntimeError:  # no thread to be had (clone(2): EAGAIN)
            free.release()
            connection.close()


def _serve(connection: socket.socket, verbs: Verbs, free: threading.BoundedSemaphore) -> None:
    try:
        request = _receive_request(connection, time.monotonic() + PATIENCE)
        if request is None:
            connection.close()
        else:
            _send_reply(connection, PATIENCE, _reply(verbs, request))
    finally:
        free.release()


def _receive_request(connection: socket.socket, deadline: float) -> bytes | None:
    """Return all that the client sends until it shuts its side; None if that takes too long, or is too much."""
    request = b""
    with contextlib.suppress(OSError):
        while len(request) <= LONGEST and (seconds := deadline - time.monotonic()) > 0:
            connection.settimeout(seconds)
            if not (part := connection.recv(1 << 16)):
                return request
            request += part
    return None


def _send_reply(connection: socket.socket, within: float, reply: object) -> None:
    """Send the reply, as far as the client takes it within so many seconds, and close."""
    with connection, contextlib.suppress(OSError):
        connection.settimeout(within)  # of all that sendall() does
        connection.sendall(json.dumps(reply).encode())


def _reply(verbs: Verbs, request: bytes) -> object:
    try:
        if request.count(b"[") + request.count(b"{") > DEEPEST:
            raise ValueError(f"more than {DEEPEST} brackets")
        verb, *arguments = json.loads(request)
        return verbs[verb](*arguments)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return {"error": f"{error!r}; there are: {', '.join(verbs)}"}
    except OSError as error:
        return {"error": str(error)}


def ask(request: Sequence[str], address: str = ADDRESS) -> str:
    """Return what the server answers. Raises OSError if it does not answer in time, or is not there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(address)
        connection.sendall(json.dumps(request).encode())
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile().read()


def main(arguments: Sequence[str]) -> int:
    """Print the answer; exit status 1 if it is an error, or there is none."""
    try:
        answer_text = ask(arguments or ["account"]) or '{"error": "the server ended"}'
    except OSError as silent:
        answer_text = json.dumps({"error": f"the server does not answer: {silent}"})
    failed = answer_text.startswith('{"error"')
    print(answer_text, file=sys.stderr if failed else sys.stdout)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
