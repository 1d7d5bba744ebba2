"""What Compose has made of a lab is kept in the user's cache folder: a lab that is still that needs no Compose.

Compose 1 takes half a second of processor time to find that nothing is to be done. A container is made once and never
changed, so its id says what it is; all else that Compose looks at is in the digest too. There are `SLOTS` files, so
that nothing piles up: two projects that share one only call Compose more often.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import zlib
from collections.abc import Sequence
from pathlib import Path

from connlab.base.lock import folder
from connlab.base.settings import Settings
from connlab.cluster import compose, engine, hosts, images
from connlab.cluster.host import Host

SLOTS = 64


def is_converged(settings: Settings, lab_hosts: Sequence[Host]) -> bool:
    """Whether these hosts all run, and are those that Compose made, or left, when it was last asked for just this."""
    services = sorted(host.service for host in lab_hosts)
    if services != [*["client"] * settings.clients, "server"] or any(host.trouble for host in lab_hosts):
        return False
    with contextlib.suppress(OSError, RuntimeError):
        return _slot(settings.project).read_text() == _digest(settings, lab_hosts)
    return False


def keep(settings: Settings, lab_hosts: Sequence[Host]) -> None:
    """Keep that these hosts are what Compose makes of these settings."""
    with contextlib.suppress(OSError, RuntimeError):
        path = _slot(settings.project)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_text(_digest(settings, lab_hosts))


def _digest(settings: Settings, lab_hosts: Sequence[Host]) -> str:
    inputs = [
        engine.identity(),
        compose.inputs(settings),
        [engine.image_id(name) for name in images.names(settings).values()],
        sorted(network["Id"] for network in hosts.networks(settings.project)),
        sorted(host.id for host in lab_hosts),
    ]
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def _slot(project: str) -> Path:
    return folder() / "converged" / str(zlib.crc32(project.encode()) % SLOTS)
