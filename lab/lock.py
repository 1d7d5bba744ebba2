"""One at a time: what two commands must not do at once, on one machine, for one user."""

from __future__ import annotations

import contextlib
import fcntl
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

from lab.words import tell


@contextlib.contextmanager
def alone(what: str) -> Iterator[None]:
    """Do `what` alone: who comes second says so, waits, and then finds the work of the first.

    One file for everything, a byte of it for each name (fcntl_locking(2)), so that nothing piles up; the
    kernel lets go of it when the process ends, however it ends.
    """
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "connlab"
    folder.mkdir(parents=True, exist_ok=True)
    byte = zlib.crc32(what.encode())
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
        except OSError:
            tell(f"another command is {what}; waiting for it")
            fcntl.lockf(lock, fcntl.LOCK_EX, 1, byte)
        yield
