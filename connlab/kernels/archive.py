"""Which of Debian's kernels there are, and the images that they are booted from."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import re
from collections.abc import Iterable
from typing import NamedTuple

from connlab.base.errors import GaveUp, LabError, NotFit
from connlab.base.output import notice
from connlab.base.settings import HOME, Settings
from connlab.base.wait import until
from connlab.cluster import engine, engine_machine, images
from connlab.cluster.one_off import run_once
from connlab.cluster.removal import remove_all

IMAGE, INDICES = "kernels", "kernels/indices"  # folders with a Dockerfile
ARCHIVE, KERNEL = "connlab-archive", "connlab-kernel"
# Labels: of which image the indices were made, which files of a kernel there are, and of a stage that is no result.
MADE_OF, UNPACKED, STAGE = "connlab.indices", "connlab.kernel", "connlab.kernel-stage"
NO_ARCHIVE = "the archive of Debian's kernels is not in reach"
NO_SPACE = "No space left on device"
PROGRAMS = "/opt/connlab/kernels"
UNPACKERS = ("kernels/archive.py", "kernels/cpio.py", "kernels/unpack.py")
PROGRAM = ("python3", "-S", "-E", "-m")


class Kernel(NamedTuple):
    """A kernel: its release (6.12.57), the suites that install it unasked, and the packages with its files.

    That of the engine's own machine has no package.
    """

    release: str
    default: tuple[str, ...]
    packages: tuple[str, ...]

    @property
    def own(self) -> bool:
        """Whether it is the kernel that the engine's machine runs."""
        return not self.packages

    @property
    def key(self) -> tuple[int, ...]:
        """By what releases are in order."""
        return tuple(map(int, self.release.split(".")))


def listing(settings: Settings) -> list[Kernel]:
    """List the kernels of the archive, by release. Raises `NotFit` where no archive is in reach."""
    status, output = run_once(
        _archive(settings), ["-m", "kernels.archive", "list"], entrypoint="python3", user="10001"
    )
    if status:
        raise NotFit("the indices of the archive cannot be read", output.strip())
    found = [json.loads(line) for line in output.splitlines()]
    kernels = [Kernel(each["release"], tuple(each["default"]), tuple(each["packages"])) for each in found]
    return sorted(kernels, key=lambda kernel: kernel.key)


def engines_own() -> Kernel:
    """Return the kernel that the engine's machine runs."""
    return Kernel(engine.kernel_release(), (), ())


def make_emulator(settings: Settings, kernels: Iterable[Kernel]) -> None:
    """Make the image with QEMU if one of these kernels is not the engine's own. Raises `NotFit` without QEMU."""
    if not all(kernel.own for kernel in kernels):
        emulator(settings)


def emulator(settings: Settings) -> str:
    """Return the image with QEMU and the root of a guest, made if it is not there. Raises `NotFit` without QEMU."""
    return _made(settings, IMAGE, "QEMU, which boots other kernels, cannot be installed")


def _made(settings: Settings, service: str, otherwise: str) -> str:
    try:
        images.ensure(settings, [service])
    except NotFit:
        raise
    except LabError as failed:
        raise NotFit(otherwise, _why(failed.why)) from failed
    return images.name(settings, service)


def image(settings: Settings, kernel: Kernel) -> str:
    """Return the image that boots a kernel, made if it is not there. Raises `NotFit` with the archive's words.

    What was unpacked of a kernel is taken from an older image of it, if what unpacks it has not changed.
    """
    base = emulator(settings)
    unpacked = f"{kernel.release}-{_digest(settings, kernel)}"
    name = f"{KERNEL}:{unpacked}-{base.rpartition(':')[2]}"
    if engine.image_labels(name) is not None:
        return name
    end = (f"FROM {base}", f"LABEL {UNPACKED}={unpacked}")
    if older := engine.named_images(f"{UNPACKED}={unpacked}"):
        problem = images.derive(name, (*end, f"COPY --from={older[0]} /kernel /kernel"))
    else:
        label = f"{STAGE}={unpacked}-{os.getpid()}"
        # Labelled last, for the next kernel's has the same programs: while a step copies it has no container, by which
        # its end could be seen.
        stage = (
            f"FROM {_archive(settings)} AS archive", f"COPY --from={base} {PROGRAMS} {PROGRAMS}", f"LABEL {label}",
            "RUN " + " ".join((*PROGRAM, "kernels.unpack", *kernel.packages)),
        )  # fmt: skip
        try:
            problem = images.derive(name, (*stage, *end, "COPY --from=archive /kernel /kernel"))
        finally:
            _forget_stage(label)
    if problem:
        raise NotFit(f"Linux {kernel.release} cannot be had", _why(problem))
    return name


def _forget_stage(label: str) -> None:
    """Remove what a stage was made in, whether it came to its end or not.

    An engine that is told to end a build ends the step that it is in, keeps what that made, and removes its container.
    """
    nobody_builds = functools.partial(engine.has_no_container, label)
    with contextlib.suppress(GaveUp):
        until(nobody_builds, "the engine has ended the build", within=30, every=0.1)
    remove_all(label)
    engine.remove_nameless_images(label)


def _why(problem: str) -> str:
    """Return why an image was not made: no space, or apt's own words, or the last that was said."""
    if NO_SPACE in problem:
        return f"{NO_SPACE} where the engine keeps its images (`docker system df`, `lab clean`)"
    plain = re.sub(r"\x1b\[\d*m", "", problem)  # in red, as the engine prints what came as an error
    for pattern in (r"^[EW]: (Failed to fetch .*)", r"^(E: .*)"):
        if apt := re.search(pattern, plain, re.MULTILINE):
            return apt[1]
    return plain.splitlines()[-1]


def _digest(settings: Settings, kernel: Kernel) -> str:
    """Return the start of the digest of what decides which files are unpacked."""
    total = hashlib.sha256(" ".join((settings.values["BASE_IMAGE"], *kernel.packages)).encode())
    for program in UNPACKERS:
        total.update(b"\0" + (HOME / program).read_bytes())
    return total.hexdigest()[:12]


def _archive(settings: Settings) -> str:
    """Return the image that has today's indices of the archive, by the clock of the engine's machine.

    Yesterday's goes, or is used, and that is said, where the archive is not in reach.
    """
    base = _made(settings, INDICES, NO_ARCHIVE)
    made_of = base.rpartition(":")[2]
    name = f"{ARCHIVE}:{made_of}-{engine_machine.now():%Y-%m-%d}"
    if engine.image_labels(name) is not None:
        return name
    older = engine.named_images(f"{MADE_OF}={made_of}")
    command = " ".join((*PROGRAM, "kernels.archive", "update"))
    if problem := images.derive(name, (f"FROM {base}", f"LABEL {MADE_OF}={made_of}", f"RUN {command}")):
        if not older:
            raise NotFit(NO_ARCHIVE, _why(problem))
        notice(f"{NO_ARCHIVE}; its indices are those of {max(older)[-10:]}")
        return max(older)
    for each in older:
        with contextlib.suppress(engine.Refused):  # somebody reads it
            engine.remove_image(each)
    return name
