"""Where an idle client's memory is: explanations beside the figure that counts, the host's MemAvailable.

PSS divides each shared page by the processes that share it, so it adds up. `own` pages are gone for
others; `program` pages are copies of files, given back when memory is short, and shared by all clients
where the storage driver allows it (overlay2 does, fuse-overlayfs, a process for each container, does not).
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from bench import machine
from bench.samples import LAB, Samples, add, middle
from connlab.base.settings import Settings
from connlab.cluster import engine, hosts
from connlab.cluster.host import Host

LOOK_AT = 10  # clients; they are all alike


def visit(lab: Settings, samples: Samples) -> None:
    """List the processes of a few clients; only root may look at them, so else they are left out."""
    clients = hosts.find(lab.project, "client")[:LOOK_AT]
    if machine.available_bytes() is None:
        return
    _add(samples, "memory cgroup", [_cgroup(client) for client in clients])
    inspections = [client.inspect() for client in clients]
    pids = [one["State"]["Pid"] for one in inspections]
    mounts = [one["GraphDriver"]["Data"].get("MergedDir", "") for one in inspections]
    with contextlib.suppress(PermissionError):
        _add(samples, "memory own", [_pages(pid, "Pss_Anon") for pid in pids])
        _add(samples, "memory program", [_pages(pid, "Pss_File") for pid in pids])
        _add(samples, "memory shim", [_pages(_parent(pid), "Pss") for pid in pids])
        _add(samples, "memory fuse", [_pages(pid, "Pss") for pid in _mounters(mounts)])


def _add(samples: Samples, figure: str, values: list[int]) -> None:
    if (typical := middle(values)) is not None:
        add(samples, figure, LAB, typical / 1e6)


def _pages(pid: int, kind: str) -> int:
    """Return bytes of a process, as smaps_rollup sums them up."""
    return _number(Path(f"/proc/{pid}/smaps_rollup"), rf"^{kind}: +(\d+)") * 1024


def _parent(pid: int) -> int:
    return _number(Path(f"/proc/{pid}/status"), r"^PPid:\t(\d+)")


def _mounters(mounts: list[str]) -> list[int]:
    """List the processes that keep these mounts alive, one each, if the storage driver needs them."""
    pids = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            argv = (process / "cmdline").read_text(errors="replace").split("\0")
            if argv[0].endswith("fuse-overlayfs") and not {*argv}.isdisjoint(mounts):
                pids.append(int(process.name))
    return pids


def _number(path: Path, pattern: str) -> int:
    match = re.search(pattern, path.read_text(), re.MULTILINE)
    return int(match[1]) if match else 0


def _cgroup(host: Host) -> int:
    return int(engine.memory(host.id)["usage"])
