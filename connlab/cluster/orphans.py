"""Labs of a process that is gone (SIGKILL, say): their projects have its number in their names."""

from __future__ import annotations

import re
from pathlib import Path

from connlab.cluster import engine_machine, hosts, removal


def remove(prefix: str) -> None:
    """Remove the projects whose names end with the number of a process that is gone.

    Of an engine elsewhere nobody here knows whose process it was: nothing is done there.
    """
    for name in hosts.projects(prefix) if engine_machine.is_here() else ():
        owner = re.fullmatch(r"\d+", name.removeprefix(prefix))
        if owner and not Path(f"/proc/{owner[0]}").exists():
            removal.remove_project(name)
