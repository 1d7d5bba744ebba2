"""The machine that the engine, and so every host, runs on; it need not be the one that we run on."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connlab.base.settings import Settings
from connlab.cluster import engine, hosts, images, one_off

MEMINFO = "/proc/meminfo"  # the whole machine's, in a container too
CONNTRACK = "/proc/sys/net/netfilter/nf_conntrack_max"  # each network namespace may have so many entries


def facts() -> dict[str, Any]:
    """Ask the engine for its machine's kernel, CPUs, memory in bytes, and of itself.

    `here` is whether we run on it too; then alone our own load or memory would be its.
    """
    info, version = engine.client().info(), engine.client().version()
    return {
        "kernel": version["KernelVersion"],
        "cpus": info["NCPU"],
        "memory_bytes": info["MemTotal"],
        "here": is_here(),
        "storage": info["Driver"],
        "cgroup": info.get("CgroupVersion", "1"),
        "runtime": info.get("DefaultRuntime", ""),
    }


def described() -> dict[str, Any]:
    """Return `facts`, and all that the engine says of its version, as evidence has them (`machine.json`)."""
    return {**facts(), "engine": engine.client().version()}


@functools.cache
def is_here() -> bool:
    """Whether the engine's machine is this one.

    That is: not behind an address, and of this machine's name, kernel and memory (a virtual machine like that of Docker
    Desktop has a socket here, too).
    """
    if not engine.is_local_socket():
        return False
    info, uname = engine.client().info(), os.uname()
    engine_facts = (info["OSType"], info["Name"], info["KernelVersion"], info["MemTotal"] // 1024)
    return engine_facts == (
        uname.sysname.lower(),
        uname.nodename,
        uname.release,
        _kilobytes("MemTotal", _own_meminfo()),
    )


def now() -> datetime:
    """Return the time by the machine's clock, which its hosts' events have too; by ours only if that is the same."""
    if is_here():
        return datetime.now(UTC)
    return datetime.fromisoformat(engine.client().info()["SystemTime"]).astimezone(UTC)


def available_bytes(settings: Settings) -> int | None:
    """Memory that the machine's kernel would still give away, in bytes.

    An engine elsewhere is asked through a host of the lab, or a throw-away container; None before there is an
    image to make one of.
    """
    ask = _own_meminfo if is_here() else _asker(settings, MEMINFO)
    kilobytes = _kilobytes("MemAvailable", ask()) if ask else None
    return None if kilobytes is None else kilobytes * 1024


def conntrack_entries(settings: Settings) -> int | None:
    """How many connections the machine's kernel tracks in each network namespace; None if that is not known.

    An engine elsewhere is asked as for its memory. A kernel that has not yet tracked any has no such number.
    """
    if is_here():
        text = Path(CONNTRACK).read_text() if Path(CONNTRACK).exists() else ""
    else:
        ask = _asker(settings, CONNTRACK)
        text = ask() if ask else ""
    return int(text) if text.strip().isdigit() else None


def _asker(settings: Settings, path: str) -> Callable[[], str] | None:
    argv, image = ["cat", path], images.name(settings, "client")
    for host in hosts.find(settings.project):
        if host.running:
            return lambda: host.run(argv)
    if engine.image_labels(image) is None:
        return None
    return lambda: one_off.run_once(image, argv[1:], entrypoint=argv[0])[1]


def _own_meminfo() -> str:
    return Path(MEMINFO).read_text() if Path(MEMINFO).exists() else ""


def _kilobytes(name: str, meminfo: str) -> int | None:
    """Parse a figure of /proc/meminfo (proc(5)), whose unit is 1,024 bytes; None if it is not there."""
    match = re.search(rf"^{name}: +([0-9]+) kB$", meminfo, re.MULTILINE)
    return int(match[1]) if match else None
