"""Labs of a process that is gone (SIGKILL, say): their projects have its number in their names."""

from __future__ import annotations

import re
from pathlib import Path

from connlab.cluster import engine_machine, hosts, removal


def remove(prefix: str, suffix: str = "") -> None:
    """Remove the projects whose names are `prefix`, the number of a process that is gone, and what `suffix` matches.

    Of an engine elsewhere nobody here knows whose process it was: nothing is done there.
    """
    for name in hosts.projects(prefix) if engine_machine.is_here() else ():
        owner = re.fullmatch(rf"(\d+){suffix}", name.removeprefix(prefix))
        if owner and not Path(f"/proc/{owner[1]}").exists():
            removal.remove_project(name)
