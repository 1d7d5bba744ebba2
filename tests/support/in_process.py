"""The `lab` command in this process: what it prints and its exit code, without a Python started for each call."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from connlab.base.errors import interrupted
from connlab.base.settings import Settings
from connlab.cli import main as cli
from tests.support.processes import knob_variables


def call_lab(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `lab ARGV` with these variables over the environment, and return its exit code and both streams.

    What it starts writes to the same two files, by descriptor. Raises KeyboardInterrupt if the verb was interrupted:
    no test does that here, so somebody ends the run.
    """
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, environment):
        out, err = Path(folder, "out"), Path(folder, "err")
        with _redirected(1, "stdout", out), _redirected(2, "stderr", err):
            try:
                status = cli.run(list(argv), "lab")
            except SystemExit as ended:  # a verb's own exit code
                status = int(ended.code or 0)
        if status == interrupted().status:
            raise KeyboardInterrupt
        return subprocess.CompletedProcess(["lab", *argv], status, out.read_text(), err.read_text())


def call_on(lab_settings: Settings, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `lab ARGV` on a lab, with the knobs that it was given, and these variables over them."""
    return call_lab(*argv, **{**knob_variables(lab_settings), **environment})


@contextlib.contextmanager
def _redirected(descriptor: int, name: str, file: Path) -> Iterator[None]:
    before = os.dup(descriptor)
    getattr(sys, name).flush()
    with file.open("w", encoding="utf-8", errors="backslashreplace") as stream:
        os.dup2(stream.fileno(), descriptor)
        try:
            with mock.patch.object(sys, name, stream):
                yield
                stream.flush()
        finally:
            os.dup2(before, descriptor)
            os.close(before)
