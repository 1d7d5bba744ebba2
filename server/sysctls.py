"""Kernel settings: what the profile in sysctl/ declares against what this host really has.

Compose sets the keys when it creates the container, because /proc/sys is read-only inside; so all
that is left to do here is to look, and to refuse to start on a host that is not what it claims.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from server.settings import HOME

PROC = Path("/proc/sys")


class Sysctl(NamedTuple):
    """One key: `effective` is None where this kernel has no such key."""

    key: str
    declared: str
    effective: str | None

    @property
    def state(self) -> str:
        """`applied`, `absent` or `differs`."""
        if self.effective is None:
            return "absent"
        return "applied" if self.effective == self.declared else "differs"


def read(profile: str) -> list[Sysctl]:
    """Every key that the profile names, those that Linux removed included."""
    text = (HOME / "sysctl" / f"{profile}.yaml").read_text()
    declared = re.findall(r'^\s+(net\.[\w.]+):\s*"?([^"#\n]+?)"?\s*(?:#.*)?$', text, re.MULTILINE)
    return [Sysctl(key, value, _effective(key)) for key, value in declared]


def _effective(key: str) -> str | None:
    try:
        return " ".join((PROC / key.replace(".", "/")).read_text().split())
    except FileNotFoundError:
        return None
