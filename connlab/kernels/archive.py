"""Which of Debian's kernels there are, and the images that they are booted from."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Sequence
from typing import NamedTuple

from connlab.base.errors import NotFit, Usage
from connlab.base.output import notice
from connlab.base.settings import HOME, Settings
from connlab.cluster import engine, engine_machine, images
from connlab.cluster.one_off import run_once

IMAGE, INDICES = "kernels", "kernels/indices"  # folders with a Dockerfile
ARCHIVE, KERNEL = "connlab-archive", "connlab-kernel"
# Labels: of which image the indices were made, which files of a kernel there are, and of a stage that is no result.
MADE_OF, UNPACKED, STAGE = "connlab.indices", "connlab.kernel", "connlab.kernel-stage"
NO_SPACE = "No space left on device"
PROGRAMS = "/opt/connlab/kernels"
UNPACKERS = ("kernels/archive.py", "kernels/cpio.py", "kernels/unpack.py")
PROGRAM = ("python3", "-S", "-E", "-m")
ALL, OWN = "all", "engine"  # words for kernels


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


def choose(words: Sequence[str], known: Sequence[Kernel], own: Kernel) -> list[Kernel]:
    """Choose by release, `engine` for the engine's own; that and the newest of each suite without a word.

    `all` is the engine's own and every other. Raises `Usage` for a release that is not there, or the beginning of
    several.
    """
    if not words:
        return [own, *dict.fromkeys(map(_newest(known).get, _suites(known)))]  # type: ignore[list-item]
    if list(words) == [ALL]:
        return [own, *known]
    return list(dict.fromkeys(own if word == OWN else _named(word, known) for word in words))


def _suites(known: Sequence[Kernel]) -> list[str]:
    return list(dict.fromkeys(_family(suite) for kernel in known for suite in kernel.default))


def _newest(known: Sequence[Kernel]) -> dict[str, Kernel]:
    return {_family(suite): kernel for kernel in known for suite in kernel.default}


def _family(suite: str) -> str:
    """Return a suite as people name it: its security updates and its others are its own."""
    return re.sub(r"-(?:security|updates)$", "", suite)


def _named(word: str, known: Sequence[Kernel]) -> Kernel:
    if exact := [kernel for kernel in known if kernel.release == word]:
        return exact[0]
    alike = [kernel.release for kernel in known if kernel.release.startswith(f"{word}.")]
    if alike:
        raise Usage(
            f"{word!r} names several kernels", ", ".join(alike), next_step=f"name one, as {alike[-1]}"
        )
    near = ", ".join(kernel.release for kernel in known[-5:])
    raise Usage(
        f"no suite of Debian's has a kernel {word!r}",
        f"the newest are {near}",
        next_step="lab kernels --list",
    )


def image(settings: Settings, kernel: Kernel) -> str:
    """Return the image that boots a kernel, made if it is not there. Raises `NotFit` with the archive's words.

    What was unpacked of a kernel is taken from an older image of it, if what unpacks it has not changed.
    """
    images.ensure(settings, [IMAGE])
    base = images.name(settings, IMAGE)
    unpacked = f"{kernel.release}-{_digest(settings, kernel)}"
    name = f"{KERNEL}:{unpacked}-{base.rpartition(':')[2]}"
    if engine.image_labels(name) is not None:
        return name
    end = (f"FROM {base}", f"LABEL {UNPACKED}={unpacked}")
    if older := engine.named_images(f"{UNPACKED}={unpacked}"):
        problem = images.derive(name, (*end, f"COPY --from={older[0]} /kernel /kernel"))
    else:
        stage = (
            f"FROM {_archive(settings)} AS archive", f"LABEL {STAGE}={unpacked}",
            f"COPY --from={base} {PROGRAMS} {PROGRAMS}",
            "RUN " + " ".join((*PROGRAM, "kernels.unpack", *kernel.packages)),
        )  # fmt: skip
        problem = images.derive(name, (*stage, *end, "COPY --from=archive /kernel /kernel"))
        engine.remove_nameless_images(f"{STAGE}={unpacked}")
    if problem:
        raise NotFit(f"Linux {kernel.release} cannot be had", _why(problem))
    return name


def _why(problem: str) -> str:
    """Return why an image was not made: no space, or apt's own words, or the last that was said."""
    if NO_SPACE in problem:
        return f"{NO_SPACE} where the engine keeps its images (`docker system df`, `lab clean`)"
    apt = re.search(r"^E: .*", problem, re.MULTILINE)
    return apt[0] if apt else problem.splitlines()[-1]


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
    images.ensure(settings, [INDICES])
    base = images.name(settings, INDICES)
    made_of = base.rpartition(":")[2]
    name = f"{ARCHIVE}:{made_of}-{engine_machine.now():%Y-%m-%d}"
    if engine.image_labels(name) is not None:
        return name
    older = engine.named_images(f"{MADE_OF}={made_of}")
    command = " ".join((*PROGRAM, "kernels.archive", "update"))
    if problem := images.derive(name, (f"FROM {base}", f"LABEL {MADE_OF}={made_of}", f"RUN {command}")):
        if not older:
            raise NotFit("the archive of Debian's kernels is not in reach", _why(problem))
        notice(
            f"the archive of Debian's kernels is not in reach; its indices are those of {max(older)[-10:]}"
        )
        return max(older)
    for each in older:
        with contextlib.suppress(engine.Refused):  # somebody reads it
            engine.remove_image(each)
    return name
