"""A copy of what a lab is made of, to break, and the `lab` command of such a copy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
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


def lab_of(copy: Path, *argv: str, **given: str) -> subprocess.CompletedProcess:
    """The `lab` command of a copied checkout."""
    environment = {name: value for name, value in os.environ.items() if name not in settings.KNOBS}
    environment |= {"PYTHONPATH": str(copy), **given}
    return subprocess.run(
        [sys.executable, "-m", "lab", *argv],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
