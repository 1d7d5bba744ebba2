"""The state of the lab at one moment, as data. Nobody connects to the server to find it out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from lab import hosts, observe
from lab.hosts import Host
from lab.observe import Snapshot


def of(project: str, found: Sequence[Host]) -> dict[str, Any]:
    """What `lab status --json` prints (`"schema": 1`). Raises `LabError` if there is no running server."""
    server = hosts.server(project, found)
    seen = observe.snapshot(server.run)
    account = seen.status
    return {
        "schema": 1,
        "project": project,
        "server": {
            "name": server.name, "address": server.address, "state": server.state,
            "mode": account["mode"], "policy": account["firewall"], "limit": account["connlimit"],
            "port": account["port"], "backend": seen.backend, "refused": seen.refused,
            "accepted": seen.told("accepted"),
        },
        "rules": [dataclasses.asdict(rule) for rule in seen.rules],
        "sysctls": account["sysctls"],
        "client_sysctls": _client_sysctls(found),
        "sockets": dict(sorted(seen.states().items())),
        "conntrack": len(seen.flows),
        "clients": [_client(host, seen) for host in found if host.service == "client"],
    }  # fmt: skip


def _client_sysctls(found: Sequence[Host]) -> list[dict[str, Any]]:
    """The keys of the clients' profile on the first that runs, its name in `host`: they are made alike."""
    for host in found:
        if host.service == "client" and host.running:
            return [{"host": host.name, **key} for key in observe.client_sysctls(host.run)]
    return []


def _client(host: Host, seen: Snapshot) -> dict[str, Any]:
    held = seen.held(seen.status["port"])[host.address]
    return {"name": host.name, "address": host.address, "state": host.state,
            "held": held, "accepted": seen.told("accepted", host.address),
            "refused": seen.told("refused", host.address)}  # fmt: skip
