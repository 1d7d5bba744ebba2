"""Files that are the user's alone: evidence has hosts' addresses, the machine's names and what people typed.

Whatever the umask is, a folder is 0700 and a file 0600 (chmod(2) after open(2), which the umask limits).
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from connlab.base.errors import LabError

FOLDER, FILE = 0o700, 0o600


def folder(path: Path) -> Path:
    """Make a folder, and those above it, or close one that is there and open to others, with all in it. Returns it.

    Raises `LabError` if that cannot be.
    """
    try:
        path.mkdir(mode=FOLDER, parents=True, exist_ok=True)
        if stat.S_IMODE(path.stat().st_mode) != FOLDER:
            path.chmod(FOLDER)
            _close(path)
    except OSError as error:
        raise LabError(f"{path} cannot be a folder of yours alone", error.strerror) from error
    return path


def lead(name: str, folder: Path) -> None:
    """Let a name beside a folder lead to it, in one step: who looks meanwhile sees the one before or this one."""
    fresh = folder.parent / f".{name}-{os.getpid()}"
    fresh.symlink_to(folder.name)
    fresh.replace(folder.parent / name)


def write(path: Path, text: str) -> None:
    """Write a file as UTF-8; one that is there is written over, and closed to others. Raises `LabError`."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, FILE)
            file.write(text)
    except OSError as error:
        raise LabError(f"{path} cannot be written", error.strerror) from error


def _close(top: Path) -> None:
    """Take every right of others away below `top`; where that is not ours to do, `top` is closed all the same."""
    for where, folders, files in os.walk(top):
        for name in (*folders, *files):
            path = Path(where, name)
            with contextlib.suppress(OSError):
                if not path.is_symlink():
                    path.chmod(FOLDER if name in folders else FILE)
