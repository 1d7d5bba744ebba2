"""A guest as the machine of a trial: the program of namespaces/ runs in it as it does in a sandbox."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
from collections.abc import Iterator, Mapping, Sequence

from connlab.base.settings import Settings
from connlab.cluster.sandbox import PROGRAM, READY_WITHIN, USER
from connlab.cluster.stream import Stream
from connlab.kernels import archive
from connlab.kernels.guest import guest
from connlab.kernels.guest_host import GuestHost
from connlab.trial.hosts.machine import Kernel, Machine

SIDE_BY_SIDE = 6  # scenarios: an emulated processor keeps the pace of no more
WITHIN, SCRIPT_WITHIN = 700.0, 300.0  # seconds
SLOWER = 8  # how much longer a sandbox may take to be ready
MORE_MODULES = ["python3", "-S", "-E", "-m", "kernels.modules"]
# So little memory makes a table of 3,584 (6.12.118): a set of 4,096 sources, each with a connection, has no room in it.
TRACKING = ["sh", "-c", "echo 262144 > /proc/sys/net/netfilter/nf_conntrack_max"]
NEW_HOST, NEW_HOST_WITHIN = ["python3", "-S", "-E", "-m", "kernels.new_host"], 180.0  # seconds
UNPRIVILEGED = USER.partition(":")[0]


@contextlib.contextmanager
def of_guest(settings: Settings, kernel: archive.Kernel, ended: threading.Event) -> Iterator[Machine]:
    """Boot a kernel; gone on the way out. Raises `NotFit`, `LabError` or `GaveUp` if that is not to be had."""
    with guest(archive.image(settings, kernel), kernel.release, ended) as host:
        host.run(MORE_MODULES)
        host.run(TRACKING)
        uname = host.run(["uname", "-rv"]).strip()
        yield Machine(
            Kernel(kernel.release, kernel.packages, uname),
            functools.partial(_sandbox, host),
            functools.partial(_run, host),
            WITHIN,
            SCRIPT_WITHIN,
            is_engines=False,
        )


@contextlib.contextmanager
def _sandbox(host: GuestHost, seconds: int, processes: int) -> Iterator[Stream]:
    """Start the program of namespaces/; it ends with its input, or with the guest."""
    limited = ["prlimit", f"--nproc={processes}", *PROGRAM, str(SIDE_BY_SIDE)]
    with host.stream(limited, user=USER) as stream:
        stream.read_line(READY_WITHIN * SLOWER)
        yield stream


def _run(
    host: GuestHost,
    argv: Sequence[str],
    *,
    user: str = UNPRIVILEGED,
    network: str = "",
    sysctls: Mapping[str, str] | None = None,
    writable_net: bool = False,
) -> tuple[int, str]:
    """Run a program on a host that has nothing, or with the guest's own namespaces (`network` host).

    `writable_net` is whether it may write /proc/sys/net, which everybody but root may not anyway.
    """
    request = {
        "argv": ["python3", *argv], "user": user, "machine": network == "host", "sysctls": dict(sysctls or {}),
    }  # fmt: skip
    with host.stream(NEW_HOST) as stream:
        stream.write(json.dumps(request))
        answer = json.loads(stream.read_line(NEW_HOST_WITHIN))
    return answer["status"], answer["output"]
