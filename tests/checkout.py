"""A copy of what a lab is made of, to break."""

from __future__ import annotations

import shutil
from pathlib import Path

from lab import settings
from tests import menu


def checkout(folder: Path) -> Path:
    """A checkout in `folder` that starts the same lab as ours."""
    for part in ("lab", "server", "client", "firewall", "sysctl"):
        shutil.copytree(settings.HOME / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("compose.yaml", ".dockerignore"):
        shutil.copy(settings.HOME / part, folder / part)
    shutil.copy(menu.FILE, folder / ".env")
    return folder
