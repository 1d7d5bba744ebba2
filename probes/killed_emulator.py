"""Kills QEMU, wherever it runs in this container."""

import contextlib
import os
from pathlib import Path

for path in Path("/proc").glob("[0-9]*/comm"):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # another process has ended meanwhile
        if path.read_text().startswith("qemu"):
            os.kill(int(path.parent.name), 9)
