"""A client host as real processes on loopback: what its tests share.

workload or agent ── 127.0.0.1 ── a server in the test
"""

import fcntl
import json
import os
import select
import socket
from contextlib import contextmanager
from pathlib import Path

from connlab.base.wait import until

ROOT = Path(__file__).parents[3]
WITHIN = 20


def lines(stream):
    """Yield the JSON lines of a pipe, each within the deadline, until its end."""
    buffer = b""
    while True:
        while b"\n" not in buffer:
            assert select.select([stream], [], [], WITHIN)[0], f"no line within {WITHIN} s"
            part = os.read(stream.fileno(), 65_536)
            if not part:
                return
            buffer += part
        line, _, buffer = buffer.partition(b"\n")
        yield json.loads(line)


def log_events(process):
    """Return what an agent has written to the log of its host so far; without a PID 1 of ours that is stderr."""
    return [json.loads(line) for line in process.log.read_text().splitlines()]


def first(events, name):
    """Return the next event of this name; those before it are skipped."""
    return next(event for event in events if event["event"] == name)


@contextmanager
def listening(backlog=16):
    """Open a listener on a free port of loopback, with a deadline on everything."""
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as listener:
        listener.settimeout(WITHIN)
        yield listener, listener.getsockname()[1]


def accept(listener):
    connection, _ = listener.accept()
    connection.settimeout(WITHIN)
    return connection


def outcomes_of(answer):
    return [(attempt["outcome"], attempt["errno"]) for attempt in answer["attempts"]]


def wait_until_locked(path):
    """Wait until somebody has locked the file, with the deadline of everything here."""

    def is_locked():
        with path.open("wb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    until(is_locked, f"somebody locks {path}", WITHIN)
