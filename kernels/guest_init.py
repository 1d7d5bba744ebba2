#!/usr/bin/python3 -SE
"""Process 1 of a guest: mounts what a host has, loads the modules, and serves commands (kernels/commands.py).

What the console says is read by the container around it: `connlab: serving` is the last line of a boot that went well.
"""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys

OPEN_FILES = 16384  # as many as a sandbox has (connlab/cluster/sandbox.py)
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
    sys.path.insert(0, "/opt/connlab")
    from kernels import commands, modules

    for problem in modules.load(modules.FOLDER):
        print(f"connlab: {problem}", flush=True)
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    # The tools themselves, and not what stands at their places for scripts (namespaces/place_tools.sh).
    os.environ.update(
        PATH="/opt/connlab/tools:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME="/root",
        LANG="C.UTF-8",
    )  # fmt: skip
    lines = f"link set lo up\nlink set eth0 up\naddr add {ADDRESS}/24 dev eth0\n"
    subprocess.run(["ip", "-batch", "-"], input=lines.encode(), check=True)
    os.chdir("/opt/connlab")
    commands.serve(ADDRESS, lambda: print("connlab: serving", flush=True))


if __name__ == "__main__":
    main()
