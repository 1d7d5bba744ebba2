"""Which of Debian's kernels there are, and the images that they are booted from."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

from connlab.base.errors import NotFit, Usage
from connlab.base.settings import Settings
from connlab.cluster import engine_machine, images
from connlab.cluster.one_off import run_once

IMAGE, ARCHIVE, KERNEL = "kernels", "connlab-archive", "connlab-kernel"
PROGRAM = ("python3", "-S", "-E", "-m")
ALL = "all"


class Kernel(NamedTuple):
    """A kernel: its release (6.12.57), the suites that install it unasked, and the packages with its files."""

    release: str
    default: tuple[str, ...]
    packages: tuple[str, ...]

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


def choose(words: Sequence[str], known: Sequence[Kernel]) -> list[Kernel]:
    """Choose by release; the newest of each suite without a word, every one for `all`.

    Raises `Usage` for a release that is not there, or the beginning of several.
    """
    if not words:
        return list(dict.fromkeys(map(_newest(known).get, _suites(known))))  # type: ignore[arg-type]
    if list(words) == [ALL]:
        return list(known)
    return list(dict.fromkeys(_named(word, known) for word in words))


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
    """Return the image that boots a kernel, made if it is not there. Raises `NotFit` with the archive's words."""
    archive, base = _archive(settings), images.name(settings, IMAGE)
    name = f"{KERNEL}:{kernel.release}-{base.rpartition(':')[2]}"
    command = " ".join((*PROGRAM, "kernels.unpack", *kernel.packages))
    lines = (
        f"FROM {archive} AS archive",
        f"RUN {command}",
        f"FROM {base}",
        "COPY --from=archive /kernel /kernel",
    )
    if problem := images.derive(name, lines):
        gone = re.search(r"^E: .*", problem, re.MULTILINE)
        raise NotFit(f"Linux {kernel.release} cannot be had", gone[0] if gone else problem.splitlines()[-1])
    return name


def _archive(settings: Settings) -> str:
    """Return the image that has today's indices of the archive, by the clock of the engine's machine."""
    images.ensure(settings, [IMAGE])
    base = images.name(settings, IMAGE)
    name = f"{ARCHIVE}:{base.rpartition(':')[2]}-{engine_machine.now():%Y-%m-%d}"
    command = " ".join((*PROGRAM, "kernels.archive", "update"))
    if problem := images.derive(name, (f"FROM {base}", "USER root", f"RUN {command}")):
        raise NotFit("the archive of Debian's kernels is not in reach", problem.splitlines()[-1])
    return name
