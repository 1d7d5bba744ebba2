"""The mark that this host is ready, for who comes when its log has lost the line: a file on its tmpfs.

A start of the container empties the tmpfs, so the mark is of this start.
"""

from __future__ import annotations

import os

READY = "/tmp/connlab.ready"


def ready() -> None:
    """Leave the mark, if this is PID 1 of a host and not a test on somebody's machine."""
    if os.getpid() == 1:
        os.close(os.open(READY, os.O_CREAT | os.O_WRONLY, 0o644))
