"""One kernel of Debian's, booted once for all tests here while other workers do something else."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pytest

from connlab.base import probes, settings
from connlab.base.errors import NotFit
from connlab.cluster.host import Host
from connlab.kernel.measured_kernels import LIMIT, MEASURED
from connlab.kernels import archive, choice, guest, matrix
from connlab.kernels.archive import Kernel
from connlab.kernels.claim_lab import ClaimLab
from connlab.kernels.claims.registry import CLAIMS, Claim
from connlab.trial.dialling.plan import BEYOND
from connlab.trial.hosts import guest_machine
from tests.support.in_process import call_lab
from tests.support.processes import run_lab

REQUIRE = "CONNLAB_REQUIRE_KERNELS"  # where it is set, all five are measured, and no archive is a failure
CHEAP = ("settings", "boundary", "loopback", "burst")  # of each of five kernels
CLAIMS_OF_ONE = ("settings", "boundary")  # each of the others is five seconds of this machine's processor
KILLER = "killer"
WHILE_IT_LIVES = {"guest_trial", "imported"}  # fixtures, of tests that `make test` leaves out
RULES = f"""*filter
:INPUT ACCEPT [0:0]
-A INPUT -p tcp --syn --dport 8081 -m connlimit --connlimit-above {LIMIT} -j REJECT --reject-with tcp-reset
-A INPUT -p tcp --syn --dport 8082 -m hashlimit --hashlimit-name x --hashlimit-above 2/sec -j DROP
COMMIT
"""
CONF = """net.ipv4.tcp_tw_reuse = 1
net.ipv4.tcp_tw_recycle = 1
vm.swappiness = 10
kernel.shmmax = 123456789
"""


class Measured(NamedTuple):
    """What `lab kernels` said: exit status, its answer, and which kernels and claims were asked for."""

    status: int
    answer: dict[str, Any]
    asked: list[Kernel]
    claims: tuple[str, ...]


@pytest.fixture(scope="session")
def kernels() -> list[Kernel]:
    """Return the newest kernel of each suite; skips the tests, with the reason, where no archive is in reach."""
    try:
        known = archive.listing(settings.read())
    except NotFit as unreachable:
        if os.environ.get(REQUIRE):
            raise
        pytest.skip(f"no kernel is booted: {unreachable.what}")
    return choice.choose((), known, archive.engines_own())[1:]


@pytest.fixture(scope="session")
def kernel(kernels: list[Kernel]) -> Kernel:
    """Return the newest kernel of stable if it is known what it does, else the newest that is; it is booted here."""
    return next(each for each in (kernels[-2], *reversed(kernels)) if each.release in MEASURED)


@pytest.fixture(scope="session")
def booted(kernel: Kernel) -> Iterator[Host]:
    """Boot it once: whoever in this process boots that one meanwhile, has this guest."""
    with guest.guest(
        archive.image(settings.read(), kernel), kernel.release, threading.Event()
    ) as host, contextlib.ExitStack() as patches:  # fmt: skip
        for module in (matrix, guest_machine):
            patches.enter_context(mock.patch.object(module, "guest", lambda *_: contextlib.nullcontext(host)))
        yield host


@pytest.fixture(scope="session")
def imported(booted: Host) -> str:
    """Return what Python says there of where it takes the server's modules from."""
    return booted.run(["sh", "-c", "python3 -S -E -v -c 'import server.baseline' 2>&1"])


@pytest.fixture(scope="session")
def guest_trial(booted: Host, kernel: Kernel, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Try a file of rules and one of kernel settings there."""
    folder: Path = tmp_path_factory.mktemp("kernel")
    (folder / "a.rules").write_text(RULES)
    (folder / "a.conf").write_text(CONF)
    files = (str(folder / "a.rules"), "--sysctl", str(folder / "a.conf"))
    # An emulated processor is slow: no more dials than the limit needs.
    result = call_lab("try", *files, "--dials", str(LIMIT + BEYOND), "--kernel", kernel.release, "--json")
    return dict(json.loads(result.stdout))


@pytest.fixture(scope="session")
def killed(booted: Host, kernel: Kernel, request: pytest.FixtureRequest) -> Measured:
    """Measure two claims, then kill QEMU in the middle of one; another was asked for after it."""
    asked = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    for other in sorted(asked & WHILE_IT_LIVES):
        request.getfixturevalue(other)
    claims = ",".join((*CLAIMS_OF_ONE, KILLER, "freeing"))
    with mock.patch.dict(CLAIMS, {KILLER: Claim("Kills QEMU", _kill)}):  # type: ignore[arg-type]
        done = call_lab("kernels", "--json", "--claims", claims, kernel.release)
    return Measured(done.returncode, json.loads(done.stdout), [kernel], CLAIMS_OF_ONE)


def _kill(lab: ClaimLab) -> Any:
    Host(lab.server.id, "around", 1, "", "running", "").run(probes.argv("killed_emulator"))
    return lab.clients[0].run(["true"])


@pytest.fixture(scope="session")
def measured(kernels: list[Kernel], request: pytest.FixtureRequest) -> Measured:
    """Measure what takes moments: four claims on each kernel where that is required, else two on the one booted."""
    if os.environ.get(REQUIRE):
        claims = ("--claims", ",".join(CHEAP))
        done = run_lab("kernels", "--json", *claims, *(kernel.release for kernel in kernels))
        return Measured(done.returncode, json.loads(done.stdout), kernels, CHEAP)
    once: Measured = request.getfixturevalue("killed")
    cells = [cell for cell in once.answer["cells"] if cell["claim"] in CLAIMS_OF_ONE]
    return once._replace(answer={**once.answer, "cells": cells})
