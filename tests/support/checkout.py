"""A copy of what a lab is made of, to break, and the `lab` command of such a copy."""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from connlab.base import knob_values, settings
from tests.support import menu

PROGRAM = Path(__file__).with_name("forked_verbs.py")


def checkout(folder: Path) -> Path:
    """Make a checkout in `folder` that starts the same lab as ours."""
    shutil.copytree(settings.HOME / "connlab", folder / "connlab")  # compiled, else its first `lab` does it
    for part in ("server", "client", "probes", "firewall", "sysctl"):
        shutil.copytree(settings.HOME / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("compose.yaml", ".dockerignore"):
        shutil.copy(settings.HOME / part, folder / part)
    shutil.copy(menu.FILE, folder / ".env")
    return folder


def run_copy(copy: Path, *argv: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the `lab` command of a copied checkout, whose own code stays as it was copied."""
    environment = {name: value for name, value in os.environ.items() if name not in knob_values.KNOBS}
    environment |= {"PYTHONPATH": str(copy), **variables}
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        commands = _commands(copy)
        print(json.dumps([argv, environment, str(out), str(err)]), file=commands.stdin, flush=True)
        answer = commands.stdout.readline()
        assert answer, f"{PROGRAM.name} has ended, with {commands.wait(10)}"
        status = int(answer)
        return subprocess.CompletedProcess(["lab", *argv], status, out.read_text(), err.read_text())


@functools.cache
def _commands(copy: Path) -> subprocess.Popen[str]:
    """Start the process that begins the commands of this copy; when we end, its input is closed, and it ends."""
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    argv = [sys.executable, "-P", str(PROGRAM)]  # without this folder among those of modules
    process = subprocess.Popen(
        argv, cwd=copy, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(process.__exit__, None, None, None)
    return process
