"""`facts`: what this host is, and what its kernel is set to."""

from __future__ import annotations

import os
import time

from client import close
from client.answers import HostFacts
from client.commands.held import Held
from client.protocol import Facts
from connlab.machine import identity


def facts(held: Held, request: Facts) -> HostFacts:
    """Read what this host is, and what its kernel is set to."""
    return HostFacts(
        monotonic_ns=time.monotonic_ns(),
        address=identity.address(),
        host=identity.host(),
        pid=os.getpid(),
        uid=os.getuid(),
        held=len(held),
        ended=close.ended(held.values()),
        sysctls={key: _sysctl(key) for key in request.sysctls},
    )


def _sysctl(key: str) -> str | None:
    try:
        with open("/proc/sys/" + key.replace(".", "/")) as file:
            return file.read().strip()
    except OSError:
        return None
