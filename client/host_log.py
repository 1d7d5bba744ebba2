"""Where the events of an agent go: to the log of its host."""

from __future__ import annotations

import os


def open_host_log() -> int:
    """Open the host's log: standard output of PID 1 if that is a client, else our own stderr. Returns a descriptor."""
    try:
        with open("/proc/1/cmdline", "rb") as file:
            if b"\0-m\0client\0" not in file.read():  # an idle one is a shell, and says so too
                return 2
        return os.open("/proc/1/fd/1", os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        return 2
