"""`facts`: what this host is, and what its kernel is set to."""

from __future__ import annotations

import os
import time

from client.commands.held import Held
from client.json_object import JsonObject
from connlab.machine import identity


def facts(held: Held, fields: JsonObject) -> JsonObject:
    """What this host is, and what its kernel is set to."""
    return {
        "monotonic_ns": time.monotonic_ns(),
        "address": identity.address(),
        "host": identity.host(),
        "pid": os.getpid(),
        "uid": os.getuid(),
        "held": len(held),
        "sysctls": {key: _sysctl(key) for key in fields["sysctls"]},
    }


def _sysctl(key: str) -> str | None:
    try:
        with open("/proc/sys/" + key.replace(".", "/")) as file:
            return file.read().strip()
    except OSError:
        return None
