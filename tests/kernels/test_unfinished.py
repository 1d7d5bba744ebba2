"""What ends before its time: a build that a signal comes to, and a guest that dies in the middle of a trial."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from connlab.base import probes, settings
from connlab.base.settings import HOME
from connlab.base.wait import until
from connlab.cluster import engine
from connlab.kernels import archive, guest
from connlab.kernels.archive import Kernel
from connlab.trial.hosts import guest_machine
from kernels import commands
from tests.kernels.containers import owned_by
from tests.support.in_process import call_lab

pytestmark = pytest.mark.xdist_group("kernels")
KERNEL = Kernel("6.12.0", (), ("none=1",))
# The lab in a process of its own, in which what unpacks a kernel takes its time.
UNPACKS = f"""import signal, sys
signal.signal(signal.SIGTERM, signal.SIG_DFL)
from connlab.base import settings
from connlab.cli.main import guarded
from connlab.kernels import archive
from connlab.kernels.side_by_side import of_each
archive.PROGRAM = ("sleep", "99", "#")
kernel = archive.Kernel(*{tuple(KERNEL)!r})
sys.exit(guarded(lambda: of_each([kernel], 1, lambda kernel, ended: archive.image(settings.read(), kernel))))
"""


@pytest.mark.variation
@pytest.mark.parametrize(("state", "number"), [("created", signal.SIGTERM), ("running", signal.SIGINT)])
def test_a_signal_while_a_kernel_is_unpacked_leaves_nothing(
    kernels, number: signal.Signals, state: str
) -> None:
    """As its container is made, or when it runs: neither what builds it, nor that, nor half an image."""
    with subprocess.Popen(
        [sys.executable, "-c", UNPACKS], cwd=HOME, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as lab:

        def found(of: Callable[..., Sequence[Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
            return [
                entry for entry in of(all=True, filters={"label": archive.STAGE})
                if entry["Labels"][archive.STAGE].endswith(f"-{lab.pid}")
            ]  # fmt: skip

        api = engine.client().api
        until(
            lambda: state in [entry["State"] for entry in found(api.containers)], f"its container is {state}",
            within=60, every=0.01,
        )  # fmt: skip
        builders = [
            word for path in Path(f"/proc/{lab.pid}/task").glob("*/children") for word in path.read_text().split()
        ]  # fmt: skip
        os.kill(lab.pid, number)
        assert lab.wait(timeout=60) == 128 + number
        assert lab.stderr is not None
        assert "Traceback" not in lab.stderr.read()
    assert builders
    assert [each for each in builders if Path(f"/proc/{each}").exists()] == []
    assert found(api.containers) == found(api.images) == []


def test_a_guest_that_dies_ends_its_trial(kernels, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is no fault of the file's: the exit status says so, and the console's last line why."""
    image = archive.image(settings.read(), kernels[-2])
    monkeypatch.setattr(archive, "listing", lambda _: [KERNEL])
    monkeypatch.setattr(archive, "image", lambda *_: image)
    monkeypatch.setattr(guest_machine, "guest", guest.guest)
    frames = commands.PORT, commands.FRAME.format, commands.STATUS
    monkeypatch.setattr(guest, "BOOT", probes.argv("dying_guest", *frames))
    (tmp_path / "a.rules").write_text("*filter\n-A INPUT -p tcp --dport 8081 -j DROP\nCOMMIT\n")
    before = owned_by(os.getpid())
    done = call_lab("try", str(tmp_path / "a.rules"), "--kernel", KERNEL.release)
    assert done.returncode == 3, done.stderr
    assert f"the guest with Linux {KERNEL.release} is gone: Kernel panic - not syncing" in done.stderr
    assert owned_by(os.getpid()) == before
