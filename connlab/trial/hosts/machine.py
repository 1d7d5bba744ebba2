"""The machine whose kernel a trial is of: that of the engine, in a sandbox, or a guest that has booted another one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from connlab.base.settings import Settings
from connlab.cluster import engine, images, one_off
from connlab.cluster.sandbox import IMAGE, sandbox
from connlab.cluster.stream import Stream

WITHIN, SCRIPT_WITHIN = 285.0, 150.0  # seconds; namespaces/script.py ends a script sooner


class Kernel(NamedTuple):
    """What was tried: its release (6.12.57), the packages that it came in, and what uname(1) says of it there.

    Of the engine's machine its engine says `release`, and no package is known.
    """

    release: str
    packages: tuple[str, ...] = ()
    uname: str = ""

    @property
    def entry(self) -> dict[str, str | None]:
        """Return it as an answer has it: None for what is not known."""
        package = " ".join(self.packages) or None
        return {"release": self.release, "package": package, "uname": self.uname or None}


class Machine(NamedTuple):
    """Where a trial runs.

    `sandbox` starts the program of namespaces/ for so many seconds, with so many processes at most. `run` runs a
    program of the same image on a host that has nothing, whose /proc/sys/net is its own: its exit status and output.
    """

    kernel: Kernel
    sandbox: Callable[[int, int], AbstractContextManager[Stream]]
    run: Callable[..., tuple[int, str]]
    within: float  # seconds for a trial
    script_within: float
    is_engines: bool = True


def of_engine(settings: Settings) -> Machine:
    """Return the engine's own machine. Raises `NotFit` if no engine answers."""

    def run(argv: list[str], **options: Any) -> tuple[int, str]:
        images.ensure(settings, [IMAGE])
        return one_off.run_once(images.name(settings, IMAGE), argv, entrypoint="python3", **options)

    return Machine(
        Kernel(engine.kernel_release()), functools.partial(sandbox, settings), run, WITHIN, SCRIPT_WITHIN
    )
