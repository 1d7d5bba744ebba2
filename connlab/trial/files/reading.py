"""The bytes of a file that may be no file: a pipe of a shell is read to its end, what gives nothing is refused."""

from __future__ import annotations

import errno
import os
import select
import sys
from pathlib import Path

from connlab.base.errors import Usage

STANDARD_INPUT = "-"
PATIENCE = 10.0  # seconds without a byte
NEXT_STEPS = {
    errno.ENOENT: "name a file that is there",
    errno.ENOTDIR: "name a file that is there",
    errno.EISDIR: "name a file in that folder",
    errno.EACCES: "name a file that you may read: ls -l shows who may",
}


def read(path: str, most: int, patience: float = PATIENCE) -> bytes:
    """Read a file, or standard input for `-`, up to `most` bytes. Raises `Usage`.

    Whoever has opened an unnamed pipe, as a shell does for `<(ssh web1 iptables-save)`, may take its time.
    """
    try:
        if path == STANDARD_INPUT:
            return sys.stdin.buffer.read(most)
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as file:
            waits = _is_unnamed(path) or file.isatty()
            return _all(file.fileno(), path, most, None if waits else patience)
    except (OSError, ValueError) as error:
        raise unreadable(path, error, ", or pipe its text: lab try -") from error


def unreadable(path: object, error: OSError | ValueError, otherwise: str = "") -> Usage:
    """Make the refusal of a file that cannot be read, with what to bring in its place."""
    step = NEXT_STEPS.get(getattr(error, "errno", None) or 0, "name a file that can be read")
    name = str(path) or repr(path)
    return Usage(f"{name} cannot be read", getattr(error, "strerror", error), next_step=step + otherwise)


def _is_unnamed(path: str) -> bool:
    """Tell whether a path is that of an open pipe: `/dev/fd/63` leads to `pipe:[1234]`, which is nowhere."""
    return Path(path).is_fifo() and not Path(path).resolve().exists()


def _all(descriptor: int, path: str, most: int, patience: float | None) -> bytes:
    data = b""
    while len(data) < most:
        if not select.select([descriptor], [], [], patience)[0]:
            raise Usage(
                f"{path} gives nothing more, and has no end",
                f"it is no regular file, and was waited for {patience:g} s",
                next_step="bring a file, or pipe its text: lab try -",
            )
        piece = os.read(descriptor, most - len(data))
        if not piece:
            break
        data += piece
    return data
