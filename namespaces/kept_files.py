"""Where scripts put what is to outlive a boot, as /etc/sysctl.d: links into a tmpfs, empty for each run.

`writable` beside this module has their paths, folders with a slash at the end; place_tools.sh makes the links.
"""

from __future__ import annotations

import os
import shutil

PATHS = os.path.join(os.path.dirname(__file__), "writable")
THERE = "/run/connlab"


def empty() -> None:
    """Make each folder and each file, without what an earlier run left there."""
    shutil.rmtree(THERE, ignore_errors=True)
    with open(PATHS, encoding="ascii") as file:
        paths = file.read().split()
    for path in paths:
        os.makedirs(f"{THERE}{os.path.dirname(path)}", exist_ok=True)
        if not path.endswith("/"):
            with open(f"{THERE}{path}", "w", encoding="ascii"):
                pass
