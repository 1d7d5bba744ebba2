"""Whose turn it is on this host: the workload's, for one round, or the agents'.

Two flock(2) locks, since one would let a busy workload take it again before a waiting agent wakes up.
An agent stands in the door for its whole life; a round starts only while nobody does.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from connlab.machine import events

DOOR = os.environ.get("CONNLAB_TURN", "/tmp/connlab.turn")
ROUND = DOOR + ".round"


@contextmanager
def of_agent() -> Iterator[None]:
    """Keep workloads from starting a round, after the one that runs has ended."""
    with _locked(DOOR, fcntl.LOCK_SH):
        with _locked(ROUND, fcntl.LOCK_SH):
            pass
        yield


@contextmanager
def of_workload() -> Iterator[None]:
    """Wait (event `waiting`) until no agent is open, and keep new ones waiting during this round."""
    waited = False
    while True:
        with _locked(ROUND, fcntl.LOCK_EX):
            if _nobody_in_the_door():
                yield
                return
        if not waited:
            waited = True
            events.emit("waiting")
        with _locked(DOOR, fcntl.LOCK_EX):
            pass


def _nobody_in_the_door() -> bool:
    try:
        with _locked(DOOR, fcntl.LOCK_EX | fcntl.LOCK_NB):
            return True
    except BlockingIOError:
        return False


@contextmanager
def _locked(path: str, mode: int) -> Iterator[None]:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, mode)
        yield
    finally:
        os.close(fd)
