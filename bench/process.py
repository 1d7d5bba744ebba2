"""A child process and its children as one: an interrupt ends them all before it goes on."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from connlab.base.errors import LabError
from connlab.base.settings import HOME

LAST = 3  # lines of a failed child are told
LEAVE_WITHIN = 20.0  # seconds: an interrupted `lab up` takes down what it had begun


def run(argv: Sequence[str | Path], environment: Mapping[str, str]) -> None:
    """Run to the end in the repository's root. Raises `LabError` with its last words if it fails.

    The child has a session of its own, so a Ctrl-C at the terminal reaches it through here, once.
    """
    with tempfile.TemporaryFile() as words:
        child = subprocess.Popen(
            argv, env=dict(environment), cwd=HOME, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=words, start_new_session=True,
        )  # fmt: skip
        try:
            status = child.wait()
        except BaseException:
            _end(child)
            raise
        if status:
            words.seek(0)
            last_lines = " / ".join(words.read().decode(errors="replace").splitlines()[-LAST:])
            raise LabError(f"{' '.join(map(str, argv))}: exit status {status}: {last_lines}")


def _end(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(LEAVE_WITHIN)
        os.killpg(child.pid, signal.SIGKILL)  # whoever is left of the group
    child.wait()
