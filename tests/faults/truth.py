"""What is so, asked of the engine and of each kernel by other commands than the lab's own looks."""

from __future__ import annotations

from typing import Any

from connlab.cluster import engine
from connlab.cluster.host import Host
from connlab.kernel import snapshot
from connlab.kernel.tables import parse_sockets
from tests.faults.fault_lab import PORT, FaultLab


def states(lab: FaultLab) -> dict[str, str]:
    """Return the engine's word for each host: running, paused, exited."""
    return {host.name: str(host.inspect()["State"]["Status"]) for host in lab.hosts()}


def connected(host: Host, source: str | None = None) -> int:
    """Count a host's established connections to the server's port, at either end; of one source or all (ss(8))."""
    connections = [each for each in parse_sockets(host.run(snapshot.SOCKETS)) if each.state == "ESTAB"]
    if host.service == "server":
        return sum(each.local_port == PORT and source in (None, each.peer) for each in connections)
    return sum(each.peer_port == PORT for each in connections)


def rules(server: Host) -> list[str]:
    """Return the rules of the table filter, without counters."""
    return [
        line for line in server.run(["iptables-save", "-t", "filter"]).splitlines() if line.startswith("-A")
    ]


def contradictions(lab: FaultLab, status: dict[str, Any], loaded: list[str]) -> list[str]:
    """List where `lab status --json` is not so; `loaded` are the rules that the policy's file has.

    The lab is quiet while it looks: nobody dials, so that both looks see the same.
    """
    problems, actual = [], states(lab)
    rows = {host["name"]: host for host in (status["server"], *status["clients"])}
    for name, state in actual.items():
        if state != "running" and state not in rows[name]["state"]:
            problems.append(f"{name} is {state}, status says {rows[name]['state']}")
    server = lab.server()
    if actual["server-1"] != "running":
        known = [key for key in ("held", "counted") if status["server"].get(key)]
        return [*problems, *(f"{key} of a {actual['server-1']} server" for key in known)]
    if status["server"]["held"] != connected(server):
        problems.append(f"the server holds {connected(server)}, status says {status['server']['held']}")
    for host in lab.hosts()[1:]:
        if rows[host.name]["held"] is not None and rows[host.name]["held"] != connected(server, host.address):
            problems.append(
                f"{host.name} holds {connected(server, host.address)}, status says {rows[host.name]['held']}"
            )
    if (status["policy"]["state"] == "in_force") != (rules(server) == loaded):
        problems.append(f"policy {status['policy']['state']}, though the kernel has: {rules(server)}")
    return problems


def leftovers(project: str) -> list[str]:
    """List containers, networks and volumes that carry the project's label."""
    api, filter_ = engine.client().api, {"label": f"com.docker.compose.project={project}"}
    volumes = api.volumes(filters=filter_)["Volumes"] or []
    return [
        str(entry.get("Name") or entry["Id"])
        for entry in (*api.containers(all=True, filters=filter_), *api.networks(filters=filter_), *volumes)
    ]
