"""Work on several kernels that ends early: what is made meanwhile goes too."""

from __future__ import annotations

import signal
import threading

import pytest

from connlab.base.errors import NotFit
from connlab.cluster.subprocesses import run_to_end
from connlab.kernels import side_by_side
from connlab.kernels.archive import Kernel

KERNELS = [Kernel("6.12.57", (), ()), Kernel("6.12.118", (), ())]


def test_a_guest_that_is_made_while_all_others_are_removed_goes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """One kernel cannot be had; the other's guest is there only after the first look at what is to be removed."""
    removals: list[str] = []
    began, looked, gone = threading.Event(), threading.Event(), threading.Event()

    def remove_own() -> None:
        if looked.is_set():
            gone.set()
        looked.set()

    def work(kernel: Kernel, ended: threading.Event) -> None:
        if kernel is KERNELS[0]:
            assert began.wait(10)
            raise NotFit("it cannot be had")
        began.set()
        assert ended.wait(10)
        assert looked.wait(10)
        removals.append("guest" if gone.wait(10) else "")

    monkeypatch.setattr(side_by_side, "remove_own", remove_own)
    with pytest.raises(NotFit, match="it cannot be had"):
        side_by_side.of_each(KERNELS, 2, work)
    assert removals == ["guest"]


def test_what_another_thread_runs_is_ended() -> None:
    """One kernel cannot be had; the other one's build, which no signal reaches, does not go on."""
    builds, statuses = threading.Event(), []

    def work(kernel: Kernel, ended: threading.Event) -> None:
        if kernel is KERNELS[0]:
            assert builds.wait(10)
            raise NotFit("it cannot be had")
        builds.set()
        statuses.append(run_to_end(["sleep", "60"])[0])

    with pytest.raises(NotFit, match="it cannot be had"):
        side_by_side.of_each(KERNELS, 2, work)
    assert statuses == [-signal.SIGKILL]
