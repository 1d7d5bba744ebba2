#!/usr/bin/python3 -SE
"""Process 1 of a guest: mounts what a host has, loads the modules, and serves commands (kernels/commands.py).

What the console says is read by the container around it: `connlab: serving` is the last line of a boot that went well.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

INIT_MODULE = 175  # of x86-64, asm/unistd_64.h
MOUNTS = (
    ("proc", "proc", "/proc"), ("sysfs", "sysfs", "/sys"), ("devtmpfs", "devtmpfs", "/dev"),
    ("devpts", "devpts", "/dev/pts"), ("tmpfs", "tmpfs", "/tmp"), ("tmpfs", "tmpfs", "/run"),
)  # fmt: skip
ADDRESS, GATEWAY = "10.0.2.15", "10.0.2.2"  # of QEMU's own network
_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Boot; never returns."""
    for source, kind, path in MOUNTS:
        os.makedirs(path, exist_ok=True)
        if _libc.mount(source.encode(), path.encode(), kind.encode(), 0, None):
            print(f"connlab: {path} is not mounted: {os.strerror(ctypes.get_errno())}", flush=True)
    for name in sorted(os.listdir("/modules")):
        with open(f"/modules/{name}", "rb") as file:
            data = file.read()
        if _libc.syscall(INIT_MODULE, data, ctypes.c_ulong(len(data)), b""):
            print(f"connlab: {name} is not loaded: {os.strerror(ctypes.get_errno())}", flush=True)
    os.environ.update(
        PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME="/root", LANG="C.UTF-8"
    )
    lines = f"link set lo up\nlink set eth0 up\naddr add {ADDRESS}/24 dev eth0\n"
    subprocess.run(["ip", "-batch", "-"], input=lines.encode(), check=True)
    os.chdir("/opt/connlab")
    sys.path.insert(0, "/opt/connlab")
    from kernels import commands

    commands.serve(ADDRESS, lambda: print("connlab: serving", flush=True))


if __name__ == "__main__":
    main()
