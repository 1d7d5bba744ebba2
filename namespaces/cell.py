"""Process 1 of the processes of a script: it sees the end of the script, and with it end all that are left.

Started as a program: `python3 -m namespaces.cell FOLDER DESCRIPTOR SHELL FILE`. Ends with the script's status, 128 and
the signal if one ended it; writes to the descriptor if there still were others.
"""

from __future__ import annotations

import ctypes
import os
import sys

from namespaces.root import unshare

CLONE_NEWPID = 0x20000000  # linux/sched.h
PDEATHSIG, KILL = 1, 9  # PR_SET_PDEATHSIG, SIGKILL


def main(folder: str, descriptor: int, argv: list[str]) -> int:
    """Run a command in a folder, as the one child of a first process; its exit status."""
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")  # of all that is here, the script goes first
    ctypes.CDLL(None).prctl(PDEATHSIG, KILL)
    unshare(CLONE_NEWPID)
    first = os.fork()
    if not first:
        os.chdir(folder)
        os._exit(_first(descriptor, argv))
    return _ended(os.waitpid(first, 0)[1])


def _first(descriptor: int, argv: list[str]) -> int:
    ctypes.CDLL(None).prctl(PDEATHSIG, KILL)
    script = os.fork()
    if not script:
        os.setsid()
        os.closerange(3, 64)
        os.execvp(argv[0], argv)
    while True:
        child, status = os.wait()
        if child == script:
            break
    try:
        if os.waitpid(-1, os.WNOHANG) == (0, 0):
            os.write(descriptor, b"left")
    except ChildProcessError:
        pass
    return _ended(status)


def _ended(status: int) -> int:
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
