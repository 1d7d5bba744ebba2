"""A program that is Compose 1 again and again, each time as a fork of itself: its imports are half of each call.

Run by Compose's own Python, with a socket as its standard input. A message there is five descriptors: a file with the
arguments, the environment and the folder as JSON, the three streams of the call, and where its process id and its exit
status are written, a line each (tests/support/forked_compose.py).
"""

import json
import os
import signal
import socket
import sys
import traceback
from importlib.metadata import distribution


def serve() -> None:
    """Answer each message, until the other end is closed."""
    (entry,) = [e for e in distribution("docker-compose").entry_points if e.name == "docker-compose"]
    main, calls = entry.load(), socket.socket(fileno=0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a fork
    while descriptors := socket.recv_fds(calls, 1, 5)[1]:
        if not os.fork():
            call(main, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def call(main, descriptors: list[int]) -> None:
    """Be one call of Compose, in a session of its own; does not return."""
    request, *streams, status = descriptors
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.write(status, f"{os.getpid()}\n".encode())
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    with os.fdopen(request) as file:
        arguments, environment, folder = json.load(file)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv[1:] = arguments
    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(status, f"{code}\n".encode())
    os._exit(code)


if __name__ == "__main__":
    serve()
