"""The bytes of a file that may be no file: a pipe of a shell is read to its end, what gives nothing is refused."""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path

from connlab.base.errors import Usage

STANDARD_INPUT = "-"
PATIENCE = 10.0  # seconds without a byte


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
        raise Usage(f"{path or repr(path)} cannot be read", getattr(error, "strerror", error)) from error


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
