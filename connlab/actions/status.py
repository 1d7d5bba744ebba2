"""The state of the lab at one moment, as data (docs/status.md). Nobody connects to the server to find it out."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from connlab.actions import blocks_of_sources, source_counts
from connlab.base.errors import LabError
from connlab.cluster import address_times, block_routes, dense, hosts
from connlab.cluster.blocks import Blocks
from connlab.cluster.engine import ERRORS
from connlab.cluster.host import Host
from connlab.kernel import policy, snapshot, tables
from connlab.kernel.snapshot import Snapshot
from connlab.kernel.tables import Socket

ASKED = 32  # clients whose sockets are read; each takes a `docker exec`, twenty take a second on two CPUs
AT_ONCE = 8
PATIENCE = 10.0  # seconds for a client to say what sockets it has
StateCounts = dict[str, int] | str  # sockets by state, or why nobody knows them


def lab_status(project: str, lab_hosts: Sequence[Host], *, clients_asked: bool = False) -> dict[str, Any]:
    """Return what `connlab status --json` prints (`"schema": 1`). Raises `LabError` if there is no running server.

    With `clients_asked`, `ASKED` of the clients are asked for their sockets, and one for the keys of its profile; what
    nobody asked for, or could not tell, is null.
    """
    server = hosts.server(project, lab_hosts)
    clients = [host for host in lab_hosts if host.service == "client"]
    sockets, client_keys = _ask_clients(clients) if clients_asked else ({}, None)
    found = dense.of_lab(project)
    lacks = _lacks(found, server, clients) if found and clients_asked else {}
    tenures = address_times.moments(clients)
    server_state = snapshot.take_snapshot(server.run, tenures, silent_too=True)
    entries, states_of_flows = (len(server_state.flows), Counter(flow.state for flow in server_state.flows))
    server_state = dataclasses.replace(
        server_state, flows=[flow for flow in server_state.flows if not _own(flow, server)]
    )
    account, policy_report = server_state.status, policy.policy_state(server_state.ruleset)
    states = dict(sorted(server_state.states().items()))
    owned, others = blocks_of_sources.by_client(source_counts.others(server_state, tenures), found)
    return {
        "schema": 1,
        "project": project,
        "server": {
            "name": server.name, "address": server.address, "state": server.trouble or server.state,
            "mode": account["mode"], "policy": account["firewall"], "limit": policy_report["limit"],
            "port": account["port"], "backend": server_state.backend, **source_counts.server(server_state),
            "sockets": states, "listener": account["listener"],
        },
        "policy": policy_report,
        "rules": [dataclasses.asdict(rule) for rule in server_state.rules],
        "sysctls": account["sysctls"],
        "client_sysctls": client_keys,
        "sockets": states,
        "conntrack": entries,
        "conntrack_states": dict(sorted(states_of_flows.items())),
        "clients": [
            _client(host, server_state, tenures, sockets.get(host.id))
            | ({"state": lacks[host.id]} if host.id in lacks else {})
            | {"block": blocks_of_sources.block(found, host, owned.get(host.number, [])) if found else None}
            for host in clients
        ],
        "others": others,
    }  # fmt: skip


def status_without_server(project: str, lab_hosts: Sequence[Host]) -> dict[str, Any]:
    """Return the same of a lab whose server cannot be asked: the state of each host, and no number."""
    server = next((host for host in lab_hosts if host.service == "server"), None)
    rows = [
        {
            "name": host.name,
            "address": host.address,
            "state": host.trouble or host.state,
            **source_counts.NO_NUMBERS,
        }
        for host in lab_hosts
    ]
    return {
        "schema": 1,
        "project": project,
        "server": rows[lab_hosts.index(server)] if server else None,
        "policy": policy.unknown_policy("no server runs" if server else "there is no server"),
        "clients": [row for row, host in zip(rows, lab_hosts, strict=True) if host.service == "client"],
    }  # fmt: skip


def _client(
    host: Host, server_state: Snapshot, tenures: address_times.Tenures, sockets: StateCounts | None
) -> dict[str, Any]:
    numbers = (
        source_counts.client(server_state, host.address)
        if host.address in tenures
        else source_counts.NO_NUMBERS
    )
    known = isinstance(sockets, dict)
    unknown = None if known else sockets or (host.state if not host.running else "not asked")
    return {
        "name": host.name, "address": host.address, "state": host.trouble or host.state, **numbers,
        "sockets": sockets if known else None, "sockets_unknown": unknown,
    }  # fmt: skip


def _lacks(found: Blocks, server: Host, clients: Sequence[Host]) -> dict[str, str]:
    """Say which of the clients that are asked cannot dial from its block; nothing of those that do not answer."""
    asked = [host for host in clients if host.running and not host.trouble][:ASKED]
    with contextlib.suppress(LabError, *ERRORS):
        return block_routes.lacks(found, server, asked)
    return {}


def _own(flow: tables.Flow, server: Host) -> bool:
    """Whether the server dialled somebody else, which no limit of its own counts."""
    return flow.source == server.address != flow.target


def _ask_clients(clients: Sequence[Host]) -> tuple[dict[str, StateCounts], list[dict[str, Any]]]:
    """By the host's id: sockets by state, or why nobody knows them; and the keys of the clients' profile.

    The keys are those of the first that tells them, its name in `host`: clients are made alike. Hosts that are not
    asked are left out.
    """
    running = [host for host in clients if host.running][:ASKED]
    sockets: dict[str, StateCounts] = {}
    keys: list[dict[str, Any]] = []
    for host in running:
        with contextlib.suppress(LabError, *ERRORS):  # then the next: `sockets_unknown` says why not this
            told, listed = snapshot.read_client(functools.partial(host.run, within=PATIENCE))
            keys, sockets[host.id] = [{"host": host.name, **key} for key in told], _by_state(listed)
            break
    others = [host for host in running if host.id not in sockets]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        sockets |= zip((host.id for host in others), pool.map(_states, others), strict=True)
    return sockets, keys


def _states(host: Host) -> StateCounts:
    try:
        return _by_state(tables.parse_sockets(host.run(snapshot.SOCKETS, within=PATIENCE)))
    except (LabError, *ERRORS) as error:
        return str(error).partition("\n")[0]


def _by_state(sockets: Sequence[Socket]) -> dict[str, int]:
    return dict(sorted(tables.count_states(sockets).items()))
