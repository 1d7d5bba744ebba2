"""What is so, asked of the engine and of each kernel by other commands than the lab's own looks."""

from __future__ import annotations

from typing import Any

from connlab.cluster import engine
from connlab.cluster.host import Host
from connlab.kernel import snapshot
from connlab.kernel.tables import parse_sockets
from tests.faults.walk import PORT, Walk


def states(walk: Walk) -> dict[str, str]:
    """The engine's word for each host: running, paused, exited."""
    return {host.name: str(host.inspect()["State"]["Status"]) for host in walk.hosts()}


def connected(host: Host, source: str | None = None) -> int:
    """Established connections to the server's port that a host has, at either end; of one source or all (ss(8))."""
    connections = [each for each in parse_sockets(host.run(snapshot.SOCKETS)) if each.state == "ESTAB"]
    if host.service == "server":
        return sum(each.local_port == PORT and source in (None, each.peer) for each in connections)
    return sum(each.peer_port == PORT for each in connections)


def rules(server: Host) -> list[str]:
    """The rules of the table filter, without counters."""
    return [
        line for line in server.run(["iptables-save", "-t", "filter"]).splitlines() if line.startswith("-A")
    ]


def contradictions(walk: Walk, status: dict[str, Any], loaded: list[str]) -> list[str]:
    """Where `lab status --json` is not so; `loaded` are the rules that the policy's file has.

    The lab is quiet while it looks: nobody dials, so that both looks see the same.
    """
    wrong, actual = [], states(walk)
    told = {host["name"]: host for host in (status["server"], *status["clients"])}
    for name, state in actual.items():
        if state != "running" and state not in told[name]["state"]:
            wrong.append(f"{name} is {state}, status says {told[name]['state']}")
    server = walk.server()
    if actual["server-1"] != "running":
        return [
            *wrong,
            *(
                f"{key} of a {actual['server-1']} server"
                for key in ("held", "counted")
                if status["server"].get(key)
            ),
        ]
    if status["server"]["held"] != connected(server):
        wrong.append(f"the server holds {connected(server)}, status says {status['server']['held']}")
    for host in walk.hosts()[1:]:
        if told[host.name]["held"] is not None and told[host.name]["held"] != connected(server, host.address):
            wrong.append(
                f"{host.name} holds {connected(server, host.address)}, status says {told[host.name]['held']}"
            )
    if (status["policy"]["state"] == "in_force") != (rules(server) == loaded):
        wrong.append(f"policy {status['policy']['state']}, though the kernel has: {rules(server)}")
    return wrong


def leftovers(project: str) -> list[str]:
    """Containers, networks and volumes that carry the project's label."""
    api, ours = engine.client().api, {"label": f"com.docker.compose.project={project}"}
    volumes = api.volumes(filters=ours)["Volumes"] or []
    return [
        str(entry.get("Name") or entry["Id"])
        for entry in (*api.containers(all=True, filters=ours), *api.networks(filters=ours), *volumes)
    ]
