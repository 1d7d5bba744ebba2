"""One kernel of Debian's, booted once for all tests here while other workers do something else."""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

import pytest

from connlab.base import settings
from connlab.base.errors import NotFit
from connlab.kernels import archive
from connlab.kernels.archive import Kernel
from tests.support.processes import run_lab

REQUIRE = "CONNLAB_REQUIRE_KERNELS"  # where it is set, all five are measured, and no archive is a failure


class Measured(NamedTuple):
    """What `lab kernels` said: exit status, its answer, and which kernels were asked for."""

    status: int
    answer: dict[str, Any]
    asked: list[Kernel]


@pytest.fixture(scope="session")
def kernels() -> list[Kernel]:
    """Return the newest kernel of each suite; skips the tests, with the reason, where no archive is in reach."""
    try:
        known = archive.listing(settings.read())
    except NotFit as unreachable:
        if os.environ.get(REQUIRE):
            raise
        pytest.skip(f"no kernel is booted: {unreachable.what}")
    return archive.choose((), known, archive.engines_own())[1:]


@pytest.fixture(scope="session")
def measured(kernels: list[Kernel]) -> Measured:
    """Measure claims on the newest kernel but one, or on all where that is required."""
    asked = kernels if os.environ.get(REQUIRE) else kernels[-2:-1]
    words = [kernel.release for kernel in asked]
    claims = () if os.environ.get(REQUIRE) else ("--claims", "settings,boundary,loopback")
    done = run_lab("kernels", "--json", *claims, *words)
    return Measured(done.returncode, json.loads(done.stdout), asked)
