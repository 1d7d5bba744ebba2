"""A lock for each thing that two commands of one user must not do at the same time on one machine."""

from __future__ import annotations

import contextlib
import fcntl
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from connlab.base.errors import NotFit
from connlab.base.output import notice


@contextlib.contextmanager
def exclusive_lock(purpose: str) -> Iterator[None]:
    """Hold the per-user lock on `what`; a second process prints a notice and waits until it is free.

    One file for everything, a byte of it for each name (fcntl_locking(2)), so that nothing piles up; the
    kernel lets go of it when the process ends, however it ends. Raises `NotFit` without a place for that file.
    """
    byte = zlib.crc32(purpose.encode())
    with _file() as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
        except OSError:
            notice(f"another command is {purpose}; waiting for it")
            fcntl.lockf(lock, fcntl.LOCK_EX, 1, byte)
        yield


def _file() -> TextIO:
    """Open the file that is locked, in the user's cache folder (XDG Base Directory Specification)."""
    try:
        return (folder() / "lock").open("w")
    except (OSError, RuntimeError) as error:  # RuntimeError: whose home it is, nobody knows
        why = error.strerror if isinstance(error, OSError) else error
        where = os.environ.get("XDG_CACHE_HOME") or "the cache folder"
        raise NotFit(
            f"no file to lock can be made in {where}", why, next_step="XDG_CACHE_HOME=/a/folder/of/yours"
        ) from error


def folder() -> Path:
    """Make the user's cache folder of this program, if it is not there, and return it. Raises OSError, RuntimeError."""
    path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "connlab"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
