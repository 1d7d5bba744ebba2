"""`facts`: what this host is, what its kernel is set to, and what it has counted."""

from __future__ import annotations

import os
import time

from client import close
from client.answers import HostFacts
from client.commands.held import Held
from client.protocol import Facts
from connlab.machine import identity


def facts(held: Held, request: Facts) -> HostFacts:
    """Read what this host is, what its kernel is set to, and what it has counted."""
    return HostFacts(
        monotonic_ns=time.monotonic_ns(),
        address=identity.address(),
        host=identity.host(),
        pid=os.getpid(),
        uid=os.getuid(),
        held=len(held),
        ended=close.ended(held.values()),
        sysctls={key: _sysctl(key) for key in request.sysctls},
        counters=_counters(request.counters) if request.counters else {},
    )


def _sysctl(key: str) -> str | None:
    try:
        with open("/proc/sys/" + key.replace(".", "/")) as file:
            return file.read().strip()
    except OSError:
        return None


def _counters(names: list[str]) -> dict[str, int | None]:
    """Read counters of this network namespace: two lines for each protocol, names and numbers (proc_pid_net(5))."""
    values: dict[str, int] = {}
    for table in ("snmp", "netstat"):
        with open(f"/proc/self/net/{table}") as file:
            lines = [line.split() for line in file]
        for (protocol, *columns), (_, *numbers) in zip(lines[::2], lines[1::2], strict=True):
            values |= {
                protocol.rstrip(":") + column: int(number)
                for column, number in zip(columns, numbers, strict=True)
            }
    return {name: values.get(name) for name in names}
