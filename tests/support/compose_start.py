"""How the Compose of a test run starts sooner: a run starts it again and again, a user once in a while."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, MutableMapping
from pathlib import Path

LAST_DISTUTILS = 11  # Python 3.11: the last that brings one of its own


def hasten(environment: MutableMapping[str, str]) -> None:
    """Put into an environment what lets the `docker-compose` of this machine start sooner, if anything does."""
    if script := shutil.which("docker-compose"):
        environment.update(start_variables(Path(script)))


def start_variables(program: Path) -> Mapping[str, str]:
    """Return what Compose's environment needs for a quick start, if that can be told from its first line.

    Compose 1 imports distutils, and setuptools then puts itself in its place: 0.19 of the 0.47 s that such a call
    takes before it does anything (setuptools' `_distutils_hack`).
    """
    python = python_of(program)
    minor = re.fullmatch(r"python3\.(\d+)", python.resolve().name) if python else None
    return {"SETUPTOOLS_USE_DISTUTILS": "stdlib"} if minor and int(minor[1]) <= LAST_DISTUTILS else {}


def python_of(program: Path) -> Path | None:
    """Return the Python of a script, by its first line; None if that names no file."""
    with program.open("rb") as file:
        shebang = re.match(rb"#! *(/\S+)\s", file.read(256))
    return Path(os.fsdecode(shebang[1])) if shebang else None
