"""`lab` and `make` as processes of their own, for tests that need one: another folder, two at once, a signal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from connlab.base.settings import HOME, Settings


def lab_command(*argv: str) -> list[str]:
    """Build the argument list of `lab ARGV`; its code is that of the working directory, or of PYTHONPATH."""
    return [sys.executable, "-m", "connlab", *argv]


def knob_variables(lab_settings: Settings) -> dict[str, str]:
    """Return the knobs of a test's lab as its person would have typed them: not the whole menu."""
    return {name: lab_settings.values[name] for name in lab_settings.explicit}


def run_lab(*argv: str, folder: Path = HOME, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `lab ARGV` in a folder, with these variables over the environment; returns its exit code and both streams."""
    every = {**os.environ, **environment}
    return subprocess.run(
        lab_command(*argv), cwd=folder, env=every, capture_output=True, text=True, check=False
    )


def run_make(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `make ARGV` in the checkout, with these variables over the environment; its exit code and both streams."""
    every = {**os.environ, **environment}
    return subprocess.run(["make", *argv], cwd=HOME, env=every, capture_output=True, text=True, check=False)
