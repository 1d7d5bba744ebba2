"""A copy of what a lab is made of, to break, and the `lab` command of such a copy."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from connlab.base import settings
from tests.support import menu

# A line with arguments, environment and two files as JSON; a line with the exit status. Each command is a process of
# its own, in which what verbs import is there already: half of what they cost.
COMMANDS = """import json, os, sys
from connlab.actions import doctor
from connlab.cli import main
from connlab.cli.show import running
from connlab.cluster import compose, lifecycle
for line in sys.stdin:
    argv, environment, *files = json.loads(line)
    if child := os.fork():
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        continue
    for descriptor, file in enumerate((os.devnull, *files)):
        os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), descriptor)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = argv
    main.main()"""


def checkout(folder: Path) -> Path:
    """A checkout in `folder` that starts the same lab as ours."""
    for part in ("connlab", "server", "client", "probes", "firewall", "sysctl"):
        shutil.copytree(settings.HOME / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("compose.yaml", ".dockerignore"):
        shutil.copy(settings.HOME / part, folder / part)
    shutil.copy(menu.FILE, folder / ".env")
    return folder


def lab_of(copy: Path, *argv: str, **given: str) -> subprocess.CompletedProcess[str]:
    """The `lab` command of a copied checkout, whose own code stays as it was copied."""
    environment = {name: value for name, value in os.environ.items() if name not in settings.KNOBS}
    environment |= {"PYTHONPATH": str(copy), **given}
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        commands = _commands(copy)
        print(json.dumps([argv, environment, str(out), str(err)]), file=commands.stdin, flush=True)
        status = int(commands.stdout.readline())
        return subprocess.CompletedProcess(["lab", *argv], status, out.read_text(), err.read_text())


@functools.cache
def _commands(copy: Path) -> subprocess.Popen[str]:
    """The process that begins the commands of this copy; it ends when we do, and its standard input with us."""
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    argv = [sys.executable, "-c", COMMANDS]
    return subprocess.Popen(
        argv, cwd=copy, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
