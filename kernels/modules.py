"""A guest's kernel modules, loaded in the order of their names, in which each comes after those that it needs.

`python3 -m kernels.modules` loads those that only rules of somebody's own need, and prints which are not taken.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator

INIT_MODULE = 175  # of x86-64, asm/unistd_64.h
FOLDER, MORE = "/modules", "/modules/more"


def load(folder: str) -> Iterator[str]:
    """Load every module of a folder; yield in words which are not taken, but not those that are there."""
    libc = ctypes.CDLL(None, use_errno=True)
    for name in sorted(os.listdir(folder)):
        path = f"{folder}/{name}"
        if os.path.isdir(path):
            continue
        with open(path, "rb") as file:
            data = file.read()
        taken = libc.syscall(INIT_MODULE, data, ctypes.c_ulong(len(data)), b"") == 0
        if not taken and ctypes.get_errno() != errno.EEXIST:
            yield f"{name} is not loaded: {os.strerror(ctypes.get_errno())}"


if __name__ == "__main__":
    for problem in load(MORE):
        print(problem)
