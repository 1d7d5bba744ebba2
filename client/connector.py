"""Dialling of the host's own: of a workload, or of a person at the interactive client."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

from client import pace, resolver
from client.attempt import HARNESS_ERROR, Attempt
from client.attempts import Attempts
from client.dialling import Dialling
from client.sockets import Socket


def dial(host: str, port: int, *, timeout_ms: int, count: int = 1) -> Iterator[tuple[Attempt, Socket | None]]:
    """Dial `count` times, one after another; yields each attempt as it ends, with its socket if established.

    The name is resolved once. Never raises for an attempt that fails; a name without an address is one attempt, a
    `harness_error`.
    """
    start_ns = time.monotonic_ns()
    try:
        target = (resolver.resolve(host), port)
    except socket.gaierror as error:
        unresolved = Attempts((host, port), 1)
        unresolved.start_ns[0] = start_ns
        unresolved.end(0, error.errno, HARNESS_ERROR)
        yield unresolved.record(0), None
        return
    dialling = Dialling(target, count, timeout_ms)
    for row, sock in pace.dial(dialling):
        yield dialling.attempts.record(row), sock
