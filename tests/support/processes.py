"""Programs as processes of their own, `lab` and `make` among them: another folder, two at once, a signal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from connlab.base.settings import HOME, Settings


def run_program(
    argv: Sequence[str | Path], cwd: Path = HOME, env: Mapping[str, str] | None = None, *, check: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a program, in the checkout unless a folder is named; returns its exit code and both streams."""
    return subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=check)


def environment_without(prefixes: tuple[str, ...], **variables: str) -> dict[str, str]:
    """Return the environment without the names that begin with one of these, and with these variables."""
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)} | variables


def host_python(*arguments: str) -> list[str]:
    """Build the argument list of a Python as a host starts its own: no site-packages, no PYTHON* variables."""
    return [sys.executable, "-S", "-E", *arguments]


def write_program(path: Path, script: str) -> None:
    """Write a shell script that can be run."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def lab_command(*argv: str) -> list[str]:
    """Build the argument list of `lab ARGV`; its code is that of the working directory, or of PYTHONPATH."""
    return [sys.executable, "-m", "connlab", *argv]


def knob_variables(lab_settings: Settings) -> dict[str, str]:
    """Return the knobs of a test's lab as its person would have typed them: not the whole menu."""
    return {name: lab_settings.values[name] for name in lab_settings.explicit}


def run_lab(*argv: str, folder: Path = HOME, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `lab ARGV` in a folder, with these variables over the environment; returns its exit code and both streams."""
    return run_program(lab_command(*argv), folder, {**os.environ, **environment})


def run_make(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `make ARGV` in the checkout, with these variables over the environment; its exit code and both streams."""
    return run_program(["make", *argv], env={**os.environ, **environment})
