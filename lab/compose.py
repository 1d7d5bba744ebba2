"""The compose command, whichever is there. The only caller of it."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from lab.errors import LabError, NotFit
from lab.settings import HOME, Settings

STDERR = 2


class ComposeFailed(LabError):
    """Compose ended with another status than 0; it has said why on standard error."""


@functools.cache
def command() -> tuple[str, ...]:
    """`docker compose` if the plugin is there, else `docker-compose`. Raises `NotFit` without either."""
    if shutil.which("docker"):
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if plugin.returncode == 0:
            return ("docker", "compose")
    if shutil.which("docker-compose"):
        return ("docker-compose",)
    raise NotFit(
        "Compose is not installed\n  next: install the plugin (docker-compose-plugin) or docker-compose"
    )


def version() -> str:
    """The version of that command, `1.29.2`."""
    short = subprocess.run([*command(), "version", "--short"], capture_output=True, text=True, check=False)
    return short.stdout.strip().lstrip("v")


def run(settings: Settings, *arguments: str, quiet: bool = False) -> None:
    """Run compose on this lab, its own talk on our standard error. Raises `ComposeFailed`."""
    argv = [*command(), "--project-directory", str(HOME), "-f", str(HOME / "compose.yaml"), *arguments]
    done = subprocess.run(
        argv, env=_environment(settings), stdin=subprocess.DEVNULL, stdout=STDERR, check=False,
        stderr=subprocess.PIPE if quiet else None,
    )  # fmt: skip
    if done.returncode:
        said = f": {done.stderr.decode(errors='replace').strip()}" if quiet else ""
        raise ComposeFailed(
            f"{' '.join(command())} {' '.join(arguments)}: exit status {done.returncode}{said}"
        )


def become(settings: Settings, arguments: Sequence[str]) -> None:
    """Replace this process with compose: for output that belongs to the terminal, like logs."""
    argv = [*command(), "--project-directory", str(HOME), "-f", str(HOME / "compose.yaml"), *arguments]
    os.execvpe(argv[0], argv, _environment(settings))


@contextlib.contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Change this lab alone: a second `make up` waits here for the first one, then converges.

    One file for all projects, a byte of it for each (fcntl_locking(2)), so that nothing piles up.
    """
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "connlab"
    folder.mkdir(parents=True, exist_ok=True)
    byte = zlib.crc32(settings.project.encode())
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
        except OSError:
            print(f"lab: another command is changing {settings.project}; waiting for it", file=sys.stderr)
            fcntl.lockf(lock, fcntl.LOCK_EX, 1, byte)
        yield


def _environment(settings: Settings) -> dict[str, str]:
    return {**os.environ, **settings.values}
