"""A guest: a container without a network, a capability or a device, in which QEMU boots another kernel in emulation."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

from connlab.base.errors import GaveUp, LabError
from connlab.base.output import notice
from connlab.cluster.engine import Refused, client
from connlab.cluster.host import Host
from connlab.cluster.one_off import HARDENED, remove
from connlab.cluster.stream import Stream
from connlab.cluster.subprocesses import signals_as_exceptions
from connlab.kernels.guest_host import GuestHost

LABEL, OWNER = "connlab.try", "connlab.owner"
PROCESSORS, MEGABYTES = 2, 448
SECONDS = 900  # after which it ends by itself
BOOTS_WITHIN = 120.0  # seconds
SERVING = "connlab: serving"
CONSOLE = 6  # lines that are told of a boot that failed


@contextlib.contextmanager
def guest(image: str, release: str, ended: threading.Event) -> Iterator[GuestHost]:
    """Boot a kernel, once more if that fails and nothing has `ended`; gone on the way out.

    Raises `LabError` or `GaveUp` with the last lines of its console if it does not boot.
    """
    with contextlib.ExitStack() as stack:
        try:
            host = stack.enter_context(_booted(image, release))
        except LabError as failed:
            if ended.is_set():
                raise
            notice(f"Linux {release} did not boot, and is booted once more: {failed}")
            host = stack.enter_context(_booted(image, release))
        yield host


def remove_all() -> None:
    """Remove every guest of this process: whoever waits for one is told that it is gone."""
    for entry in client().api.containers(all=True, filters={"label": f"{OWNER}={os.getpid()}"}):
        remove(entry["Id"])


@contextlib.contextmanager
def _booted(image: str, release: str) -> Iterator[GuestHost]:
    api, container = client().api, None
    config = api.create_host_config(
        network_mode="none", auto_remove=True, pids_limit=128, mem_limit="900m",
        tmpfs={"/tmp": "size=160m,mode=1777,noexec,nosuid,nodev"}, **HARDENED,
    )  # fmt: skip
    labels = {LABEL: "1", OWNER: str(os.getpid())}
    with signals_as_exceptions() as begin:
        try:
            container = api.create_container(
                image, [str(SECONDS)], entrypoint="sleep", host_config=config, labels=labels
            )["Id"]
            begin()  # a signal that came meanwhile would have left behind what has no name yet
            api.start(container)
            around = Host(container, release, 1, "", "running", "")
            boot = ["python3", "-S", "-E", "-m", "kernels.boot", str(PROCESSORS), str(MEGABYTES)]
            with around.stream(boot) as console:
                _wait(console, release)
                yield GuestHost(container, release, 1, "", "running", "")
        except Refused as error:
            raise LabError("the engine does not start a guest", error.explanation) from error
        finally:
            if container is not None:
                remove(container)


def _wait(console: Stream, release: str) -> None:
    """Read the console until the guest takes commands."""
    said: list[str] = []
    try:
        while SERVING not in (line := console.read_line(BOOTS_WITHIN)):
            said.append(line.strip())
    except (GaveUp, LabError) as error:
        kind = GaveUp if isinstance(error, GaveUp) else LabError
        # What a process of the guest said is more than the kernel's registers.
        last = ([each for each in said if each and each[0] != "["] or said)[-CONSOLE:]
        raise kind(f"Linux {release} did not boot", "\n".join(last) or str(error)) from error
