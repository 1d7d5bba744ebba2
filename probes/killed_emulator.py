"""Kills QEMU, wherever it runs in this container."""

import os
from pathlib import Path

for path in Path("/proc").glob("[0-9]*/comm"):
    if path.read_text().startswith("qemu"):
        os.kill(int(path.parent.name), 9)
