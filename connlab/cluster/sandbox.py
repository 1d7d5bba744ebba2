"""A container without a network and without a capability, whose hosts are network namespaces (namespaces/).

User namespaces need unshare(2) and mount-free setns(2), which an engine's own seccomp profile forbids to all but
CAP_SYS_ADMIN; the profile here forbids what reaches beyond namespaces instead. PID 1 sleeps and ends by itself.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

from connlab.base.errors import LabError, NotFit
from connlab.base.settings import Settings
from connlab.cluster import images
from connlab.cluster.engine import client
from connlab.cluster.idle_host import idle_host
from connlab.cluster.one_off import HARDENED, REST_OF_PROC
from connlab.cluster.stream import Stream

IMAGE = "namespaces"
USER = "10001:10001"
PROGRAM = ["python3", "-S", "-E", "-m", "namespaces"]
# Of processor time, where another container has 1,024: dials are 20 ms apart also while others work.
SHARES = 8192
READY_WITHIN = 20.0  # seconds
# What concerns the machine and no namespace: modules, kexec, clocks, swap, tracing, keys, other kernels' interfaces.
FORBIDDEN = [
    "acct", "add_key", "adjtimex", "bpf", "clock_adjtime", "clock_settime", "delete_module", "finit_module",
    "fsconfig", "fsmount", "fsopen", "fspick", "init_module", "io_uring_enter", "io_uring_register", "io_uring_setup",
    "ioperm", "iopl", "kcmp", "kexec_file_load", "kexec_load", "keyctl", "lookup_dcookie", "mount", "mount_setattr",
    "move_mount", "name_to_handle_at", "nfsservctl", "open_by_handle_at", "open_tree", "perf_event_open", "pivot_root",
    "process_vm_readv", "process_vm_writev", "ptrace", "quotactl", "quotactl_fd", "reboot", "request_key",
    "settimeofday", "stime", "swapoff", "swapon", "syslog", "umount", "umount2", "uselib", "userfaultfd", "vhangup",
]  # fmt: skip
SECCOMP = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": FORBIDDEN, "action": "SCMP_ACT_ERRNO"}]}


@contextlib.contextmanager
def sandbox(settings: Settings, seconds: int, processes: int = 512) -> Iterator[Stream]:
    """Start the program of namespaces/ in a container of its own; lines go to it and come from it.

    Gone on the way out, and after `seconds` should we be killed. Raises `NotFit` where user namespaces are not to be
    had, `LabError` with the engine's words if the container does not start.
    """
    images.ensure(settings, [IMAGE])
    options = [*HARDENED["security_opt"], f"seccomp={json.dumps(SECCOMP)}"]
    config = client().api.create_host_config(
        network_mode="none", auto_remove=True, pids_limit=processes, mem_limit="512m",
        cpu_shares=SHARES,
        tmpfs={"/tmp": "size=16m,mode=1777,noexec,nosuid,nodev", "/run": "size=1m,mode=1777,noexec,nosuid,nodev"},
        **{**HARDENED, "security_opt": options},
    )  # fmt: skip
    config["Ulimits"] = [{"Name": "nofile", "Soft": 16384, "Hard": 16384}]
    config["ReadonlyPaths"] = REST_OF_PROC  # /proc/sys/net belongs to each namespace
    image = images.name(settings, IMAGE)
    with idle_host(image, "try", config, seconds, USER) as host, host.stream(PROGRAM, user=USER) as stream:
        _require_ready(stream)
        yield stream


def _require_ready(stream: Stream) -> None:
    try:
        stream.read_line(READY_WITHIN)
    except LabError as error:
        if "unshare" not in str(error) and "uid_map" not in str(error):
            raise
        raise NotFit(
            "the engine's machine lets nobody make a user namespace",
            str(error),
            next_step="sysctl kernel.unprivileged_userns_clone user.max_user_namespaces "
            "kernel.apparmor_restrict_unprivileged_userns",
        ) from error
