"""Restart the server in its own network namespace, and say what that closed and what bind(2) said.

`docker restart` gives the container a new namespace, in which nothing is in TIME_WAIT: REUSE_ADDRESS=0 would show
nothing there. Here PID 1 closes and binds (server/supervisor.py); policy, rules, counters and clients stay.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from connlab.base.lock import exclusive_lock
from connlab.base.wait import until
from connlab.cluster import engine, hosts
from connlab.cluster.host import CommandFailed, Host
from connlab.kernel import snapshot

STATUS = ("python3", "-S", "-E", "-m", "server.control")
WITHIN = 20.0  # seconds: 1.5 s for connections to close, 10 s for what still runs then, and a busy machine


def restart(project: str, reuse_address: str | None = None) -> dict[str, Any]:
    """Restart the server and return what came of it (`"schema": 1`). The flag is "0" or "1"; None leaves it as it is.

    `error` is what bind(2) said, null if it listens; the server then tries again each second. Raises `LabError` if
    there is no server, or it ends meanwhile, `GaveUp` if it has no outcome in time.
    """
    with exclusive_lock(f"changing {project}"):
        server = hosts.server(project, hosts.find(project))
        request = json.loads(server.run([*STATUS, "restart", *([reuse_address] if reuse_address else [])]))
        account = until(
            lambda: _outcome(project, server, request["number"]),
            f"{server.name} has closed and bound",
            WITHIN,
        )
        listener, port = account["listener"], account["port"]
        sockets = Counter(s.state for s in snapshot.read_sockets(server.run) if s.local_port == port)
    outcome = listener["last"]
    return {
        "schema": 1, "project": project, "server": server.name, "port": port,
        "reuse_address": listener["reuse_address"], "closed": outcome["open"], "waited": outcome["waiting"],
        "clean": outcome["clean"], "error": outcome["error"], "seconds": outcome["seconds"],
        "sockets": dict(sorted(sockets.items())), "time_wait": sockets["TIME-WAIT"],
    }  # fmt: skip


def _outcome(project: str, server: Host, number: int) -> Mapping[str, Any] | None:
    """Return the server's account, once this restart has an outcome in it."""
    try:
        account: Mapping[str, Any] = json.loads(server.run(STATUS))
    except (CommandFailed, engine.Refused):
        hosts.server(project, hosts.find(project))  # says in which state it is, if it has ended
        return None
    last = account["listener"]["last"]
    return account if last and last["number"] == number else None


def sentences(result: Mapping[str, Any]) -> list[str]:
    """Say the result of a restart in words, a line for each thing."""
    flag = "with SO_REUSEADDR" if result["reuse_address"] else "without SO_REUSEADDR"
    connections, queued = result["closed"], result["waited"]
    lines = [
        f"{result['server']} closed its listener and {connections} connection{'s' * (connections != 1)} (FIN)"
    ]
    if queued:
        lines[0] += f"; {queued} more waited for accept(2)"
    if not result["clean"]:
        lines[0] += "; some did not end within 1.5 s and were cut off"
    if result["error"]:
        lines.append(f"bind(2), {flag}: {result['error']}; nobody is served")
    else:
        lines.append(f"bind(2), {flag}: done; it listens again after {result['seconds'] * 1000:.0f} ms")
    states = ", ".join(f"{state} {count}" for state, count in result["sockets"].items())
    lines.append(f"its sockets of port {result['port']} now: {states or 'none'}")
    if result["error"]:
        lines += ["it tries again each second", "  next: make status, which says when it listens again"]
    return lines


def advice(result: Mapping[str, Any]) -> list[str]:
    """Say how to see what the flag is for, where it is off and nothing was in bind's way (docs/kernel.md R01)."""
    if result["reuse_address"] or result["error"] or result["time_wait"]:
        return []
    running = [host.number for host in hosts.find(result["project"], "client") if host.running]
    dial = "make attempt HOLD=60" if running else "make scale-clients N=1 and make attempt HOLD=60"
    if running and running[0] != 1:
        dial += f" CLIENT={running[0]}"
    return [
        f"nothing was in TIME_WAIT on port {result['port']}: during `{dial}` the server closes first, and what"
        " that leaves, FIN_WAIT_2 and then TIME_WAIT, makes bind(2) fail (EADDRINUSE; lab explain R01)"
    ]
