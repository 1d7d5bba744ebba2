"""A guest: a container without a network, a capability or a device, in which QEMU boots another kernel in emulation."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator

from connlab.base.errors import GaveUp, LabError, NotFit
from connlab.base.output import notice
from connlab.cluster.engine import Refused, client, processor_seconds
from connlab.cluster.idle_host import idle_host
from connlab.cluster.one_off import HARDENED
from connlab.cluster.stream import Stream
from connlab.kernels.guest_host import GuestHost

PROCESSORS, MEGABYTES = 2, 384
FILES = "/tmp/initrd", "/tmp/vmlinux"  # which QEMU reads once
BOOT = ("python3", "-S", "-E", "-m", "kernels.boot", str(PROCESSORS), str(MEGABYTES), *FILES)
SECONDS = 900  # after which it ends by itself
# Seconds, and then more of them until it has had as many of a processor, four boots' worth, as long as it has WORKS in
# each: then other work leaves it little; one that has less hangs. (Beside six workers of the tests a boot of 28 s of
# processor time had not ended after 120 s.)
BOOTS_WITHIN, WORKS = 120.0, 10.0
ENDS_WITHIN = 0.5  # seconds in which an end is seen that broke what was asked of it
SERVING = "connlab: serving"
CONSOLE = 6  # lines that are told of a boot that failed


@contextlib.contextmanager
def guest(image: str, release: str, ended: threading.Event) -> Iterator[GuestHost]:
    """Boot a kernel, once more if that fails and nothing has `ended`; gone on the way out.

    Raises `NotFit` or `GaveUp` with the last lines of its console if it does not boot.
    """
    with contextlib.ExitStack() as stack:
        try:
            host = stack.enter_context(_booted(image, release))
        except LabError as failed:
            if ended.is_set() or isinstance(failed, GaveUp):  # one that hangs has had its time
                raise
            notice(f"Linux {release} did not boot, and is booted once more: {failed}")
            host = stack.enter_context(_booted(image, release))
        yield host


@contextlib.contextmanager
def _booted(image: str, release: str) -> Iterator[GuestHost]:
    config = client().api.create_host_config(
        network_mode="none", auto_remove=True, pids_limit=128, mem_limit="900m",
        tmpfs={"/tmp": "size=224m,mode=1777,noexec,nosuid,nodev"}, **HARDENED,
    )  # fmt: skip
    with idle_host(image, release, config, SECONDS) as around, around.stream(BOOT) as console:
        _wait(console, release, functools.partial(processor_seconds, around.id))
        # They are memory, of which the guest has a copy, and QEMU keeps them open.
        around.run(["truncate", "--no-create", "--size=0", *FILES])
        try:
            yield GuestHost(around.id, release, 1, "", "running", "")
        except (LabError, Refused) as failed:  # the engine refuses what is asked of a container that is gone
            if (said := _last_words(console)) is None:
                raise
            raise NotFit(
                f"the guest with Linux {release} is gone",
                said or "QEMU was ended, and its console says nothing of why",
                next_step="the same again; if the engine's machine is short of memory, one kernel at a time",
            ) from failed


def _last_words(console: Stream) -> str | None:
    """Return the last lines of a guest that has ended; None if it has not."""
    said: list[str] = []
    try:
        for line in console.lines(ENDS_WITHIN):
            said.append(line.strip())
    except GaveUp:
        return None
    except LabError:
        return "\n".join(said[-CONSOLE:])
    return None


def _wait(console: Stream, release: str, used: Callable[[], float]) -> None:
    """Read the console until the guest takes commands; `used` returns the processor time that it had, in seconds."""
    said: list[str] = []
    try:
        while not _serves(console, said, used):
            pass
    except (GaveUp, LabError) as error:
        late = isinstance(error, GaveUp)
        kind = GaveUp if late else NotFit
        silent = f"its console says nothing in {BOOTS_WITHIN:g} s" if late else str(error)
        # What a process of the guest said is more than the kernel's registers.
        last = ([each for each in said if each and each[0] != "["] or said)[-CONSOLE:]
        raise kind(f"Linux {release} did not boot", "\n".join(last) or silent) from error


def _serves(console: Stream, said: list[str], used: Callable[[], float]) -> bool:
    """Tell whether the guest takes commands within BOOTS_WITHIN seconds. Raises `GaveUp` if it is to be given up."""
    before = used()
    try:
        for line in console.lines(BOOTS_WITHIN):
            if SERVING in line:
                return True
            said.append(line.strip())
    except GaveUp:
        now = used()
        if now > BOOTS_WITHIN or now - before < WORKS:
            raise
    return False
