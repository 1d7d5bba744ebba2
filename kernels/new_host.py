"""A program on a host that has nothing, with namespaces of its own as an engine's container has them.

`python3 -m kernels.new_host` reads a line of JSON: `argv`, `user` (a number), `machine` (whether it is to have the
guest's own namespaces instead), and `sysctls`, which are set first and by root, as an engine sets them. It answers with
the exit status and both outputs. Nobody there has a capability; of /proc/sys only net/ can be written.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from typing import Any

NAMESPACES = 0x40000000 | 0x08000000 | 0x04000000 | 0x00020000  # network, IPC, UTS, mounts (linux/sched.h)
BIND, REMOUNT, READ_ONLY, PRIVATE, ALL_BELOW = 4096, 32, 1, 1 << 18, 16384  # linux/mount.h
PROC = "/proc/sys"
PATIENCE = 120.0  # seconds
_libc = ctypes.CDLL(None, use_errno=True)


def main(request: dict[str, Any]) -> tuple[int, str]:
    """Run the program; its exit status, 1 if it was not started, and what it said."""
    if not request["machine"]:
        _must(_libc.unshare(NAMESPACES), "unshare")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        for name, value in request["sysctls"].items():
            if problem := _set(name, value):
                return 1, problem
        _mount("none", "/", PRIVATE | ALL_BELOW)
        _mount(PROC, PROC, BIND)
        _mount(f"{PROC}/net", f"{PROC}/net", BIND)
        _mount("none", PROC, BIND | REMOUNT | READ_ONLY)
    account = [f"--reuid={request['user']}", f"--regid={request['user']}", "--clear-groups"]
    done = subprocess.run(
        ["setpriv", *account, "--inh-caps=-all", "--bounding-set=-all", *request["argv"]],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.decode(errors="replace")


def _set(name: str, value: str) -> str:
    """Set a key, written with dots or slashes; why it is not set, which names it."""
    path = f"{PROC}/{name if '/' in name else name.replace('.', '/')}"
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(value)
    except OSError as error:
        return f"{path}: {error.strerror}"
    return ""


def _mount(source: str, target: str, flags: int) -> None:
    _must(_libc.mount(source.encode(), target.encode(), None, flags, None), f"mount {target}")


def _must(status: int, what: str) -> None:
    if status:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    status, output = main(json.loads(sys.stdin.readline()))
    print(json.dumps({"status": status, "output": output}))
