"""`lab kernels`: a kernel of Debian's booted in emulation, and what becomes of one that hangs, dies or has no room."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading

import pytest

from connlab.base import settings
from connlab.base.errors import GaveUp, NotFit
from connlab.base.settings import HOME
from connlab.base.wait import until
from connlab.cluster import engine, images
from connlab.kernels import archive, guest
from connlab.kernels.archive import Kernel
from tests.kernels.containers import owned_by
from tests.support.processes import lab_command
from tests.support.variations import then_variations

pytestmark = pytest.mark.xdist_group("kernels")


@pytest.mark.timeout(900)  # on a new machine images are made first; five kernels boot beside everything else
def test_every_cell_is_judged_by_the_kernel_that_was_asked_for(measured) -> None:
    """Its own `uname`; no cell contradicts what was measured before, and the paced boundary is exact everywhere."""
    assert measured.status == 0, measured.answer
    rows = {row["version"]: row for row in measured.answer["kernels"]}
    assert list(rows) == [kernel.release for kernel in measured.asked]
    for kernel in measured.asked:
        row = rows[kernel.release]
        assert row["where"] == "guest"
        assert kernel.release in row["uname"]
        assert row["package"] == " ".join(kernel.packages)
    cells = {(cell["kernel"], cell["claim"]): cell for cell in measured.answer["cells"]}
    assert set(cells) == {(kernel.release, claim) for kernel in measured.asked for claim in measured.claims}
    assert {cell["reason"] for cell in cells.values()} == {""}
    boundary = [cell["figures"] for (_, claim), cell in cells.items() if claim == "boundary"]
    assert boundary == [{"sources": ["15/5"] * 2, "refused": 10, "counted": 10}] * len(measured.asked)
    bursts = [cell["figures"] for (_, claim), cell in cells.items() if claim == "burst"]
    # The other tests are other work of this machine, but the guest's clock counts what the guest does.
    assert {len(each["bursts"]) for each in bursts} <= {5}, bursts


@pytest.mark.variation
def test_a_guest_compiles_nothing(imported) -> None:
    """Each module is taken as it was compiled when the image was made: an emulated processor is slow at it."""
    assert re.search(r"# code object from '\S+/server/__pycache__/baseline\S+pyc'", imported)
    assert re.findall(r"# code object from \S+\.py\b|# wrote .*", imported) == []


def test_what_was_unpacked_of_a_kernel_is_used_again(kernels, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a base that has changed: no archive is asked, and no stage without a name is left."""
    kernel, menu = kernels[-2], settings.read()
    archive.image(menu, kernel)
    base = images.name(menu, archive.IMAGE)
    changed = f"connlab-kernels:test-{os.getpid()}"
    engine.name_image(base, changed)
    monkeypatch.setattr(archive.images, "ensure", lambda *_: None)
    monkeypatch.setattr(archive.images, "name", lambda *_: changed)
    monkeypatch.setattr(archive, "_archive", lambda _: pytest.fail("the archive is asked"))
    try:
        made = archive.image(menu, kernel)
        assert made.endswith(f"-test-{os.getpid()}")
        engine.remove_image(made)
    finally:
        engine.remove_image(changed)
    assert engine.client().api.images(filters={"label": archive.STAGE, "dangling": True}) == []


def test_what_guests_are_made_of_leaves_no_image_without_a_name(kernels) -> None:
    """Of its two stages the first is only copied from."""
    images.ensure(settings.read(), [archive.IMAGE])
    label = f"{images.LABEL}={archive.IMAGE}"
    assert engine.client().api.images(filters={"label": label, "dangling": True}) == []


@pytest.mark.variation
def test_no_room_for_a_kernel_is_told_and_leaves_nothing(kernels, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that has filled its disk (here /dev/shm, 64 MB): the words, and no image, whole or half."""
    kernel = Kernel("6.12.0", (), ("none=1",))
    monkeypatch.setattr(archive, "PROGRAM", ("dd", "if=/dev/zero", "of=/dev/shm/full", "bs=1M", "#"))
    with pytest.raises(
        NotFit, match=r"Linux 6\.12\.0 cannot be had: No space left on device where the engine"
    ):
        archive.image(settings.read(), kernel)
    left = engine.client().api.images(all=True, filters={"label": archive.STAGE})
    assert [entry for entry in left if "6.12.0" in entry["Labels"][archive.STAGE]] == []


@pytest.mark.variation
def test_a_guest_that_hangs_at_boot_is_given_up(kernels, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the last lines of its console; it is not booted again, and its container is gone."""
    name = f"{archive.KERNEL}:test-{os.getpid()}"
    says = "import time; [print('line', n, flush=True) for n in range(9)]; time.sleep(99)"
    lines = (f"FROM {archive.image(settings.read(), kernels[-2])}", "USER root",
             f'RUN echo "{says}" > /opt/connlab/kernels/boot.py')  # fmt: skip
    monkeypatch.setattr(guest, "BOOTS_WITHIN", 3.0)
    others = owned_by(os.getpid())
    try:
        assert images.derive(name, lines) == ""
        with pytest.raises(GaveUp) as given_up, guest.guest(name, "6.12.0", threading.Event()):
            pytest.fail("it serves")
    finally:
        engine.remove_image(name)
    assert given_up.value.what == "Linux 6.12.0 did not boot"
    assert given_up.value.why.splitlines() == [f"line {n}" for n in range(3, 9)]
    assert owned_by(os.getpid()) == others


def test_a_guest_that_dies_is_told_by_its_cells(killed) -> None:
    """QEMU is killed in the middle of a claim: that one and those after it cannot run, and say that it is gone."""
    judged, unjudged = killed.answer["cells"][:-2], killed.answer["cells"][-2:]
    assert "cannot_run" not in {cell["verdict"] for cell in judged}
    assert {cell["verdict"] for cell in unjudged} == {"cannot_run"}
    assert all("the guest is gone" in cell["reason"] for cell in unjudged), unjudged
    assert killed.answer["kernels"][0]["status"] == "cannot run"


@pytest.mark.parametrize("number", then_variations(signal.SIGINT, signal.SIGTERM))
def test_a_signal_leaves_nothing(kernels, number: signal.Signals) -> None:
    """While a guest boots, Ctrl-C or the end of a CI job: the exit status of a shell, and no container of it."""
    argv = lab_command("kernels", "--claims", "settings", kernels[-2].release)
    with subprocess.Popen(
        argv, cwd=HOME, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, start_new_session=True
    ) as lab:
        until(lambda: owned_by(lab.pid), "its container is there", within=120, every=0.1)
        os.killpg(lab.pid, number)
        assert lab.wait(timeout=60) == 128 + number
        assert lab.stderr is not None
        words = lab.stderr.read()
    assert "Traceback" not in words
    assert words.count("lab: interrupted") == (number == signal.SIGINT)
    assert owned_by(lab.pid) == []
