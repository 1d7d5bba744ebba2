"""The harness's own red path: a run without tests is no green one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).parents[2]


def test_no_tests_are_not_green():
    """A run that finds nothing to run says so with 5, not 0 (a typing error in `-k`, say)."""
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "no_such_test"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [*argv, "tests/unit/test_kernels.py"],
        cwd=HOME,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 5, done.stdout
