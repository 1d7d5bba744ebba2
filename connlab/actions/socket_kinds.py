"""The article's table of socket families and types, tried on this kernel: made, and talked through."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from connlab.actions.running_client import running_client
from connlab.base import probes
from connlab.base.errors import LabError
from connlab.base.settings import Settings
from connlab.cluster import hosts, images, one_off
from connlab.cluster.host import Host

PROBE = "socket_table"  # on both hosts
# The user of the article's programs and of the server process: no capability at all.
USER = "connlab"
# Docker turns IPv6 off in a container on an IPv4 network; on, the kernel gives it an address on its link.
IPV6_ON = {"net.ipv6.conf.all.disable_ipv6": "0"}
PATIENCE = 30.0  # seconds for a program to start and an IPv6 address to be usable

Row = dict[str, Any]


def try_socket_kinds(settings: Settings, number: int) -> dict[str, Any]:
    """Return what `connlab sockets --json` prints. Raises `Usage` without such a client, `LabError` without a server.

    Messages over IPv4 go from the client to the server, on ports of their own, so no slot is taken; over
    IPv6 between two spare hosts, because the lab's own have none.
    """
    lab_hosts = hosts.find(settings.project)
    client = running_client(lab_hosts, number)
    server = hosts.server(settings.project, lab_hosts)
    client_answer, server_answer = (
        json.loads(host.run(probes.argv(PROBE), user=USER)) for host in (client, server)
    )
    exchanges = [{**row, "from": client.name, "to": client.name} for row in client_answer["inside"]]
    exchanges += _exchange(client, server, "AF_INET") + _exchange_ipv6(settings)
    return {
        "schema": 1,
        "client": client.name,
        "server": server.name,
        "user": USER,
        "tried": [
            _merged(client_row, server_row)
            for client_row, server_row in zip(client_answer["tried"], server_answer["tried"], strict=True)
        ],
        "exchanged": exchanges,
    }


def describe_errno(errno: str | None) -> str:
    """Say what an answer of socket(2) means for a program without privileges."""
    if errno is None:
        return "supported"
    return "needs CAP_NET_RAW" if errno in ("EPERM", "EACCES") else "not supported"


def _merged(client_row: Row, server_row: Row) -> Row:
    kind = {name: client_row[name] for name in ("family", "family_number", "type", "type_number", "protocol")}
    rows = {"client": client_row, "server": server_row}
    return kind | {
        host: {"state": describe_errno(row["errno"]), "errno": row["errno"], "made": row["made"]}
        for host, row in rows.items()
    }


def _exchange(near: Host, far: Host, family: str) -> list[Row]:
    """Send a message from `near` to `far` and back over TCP and UDP; `heard` is what `far` says of it."""
    with far.stream(probes.argv(PROBE, "listen"), user=USER) as listener:
        asks = [ask for ask in json.loads(listener.read_line(PATIENCE)) if ask["family"] == family]
        rows = json.loads(near.run(probes.argv(PROBE, "exchange", json.dumps(asks)), user=USER))
        for row in rows:
            echo = json.loads(listener.read_line(PATIENCE)) if row["came_back"] else {}
            row |= {"heard": echo.get("message"), "heard_from": echo.get("source")}
            row |= {"from": near.name, "to": far.name}
    if not rows:
        raise LabError(f"{far.name} has no {family} address")
    return list(rows)


def _exchange_ipv6(settings: Settings) -> list[Row]:
    with contextlib.ExitStack() as stack:
        try:
            near, far = (
                stack.enter_context(
                    one_off.ephemeral_host(settings.project, images.name(settings, "client"), number, IPV6_ON)
                )
                for number in (1, 2)
            )
            return _exchange(near, far, "AF_INET6")
        except LabError as error:  # a kernel that was started without IPv6, say
            failure = {"family": "AF_INET6", "came_back": False, "error": str(error)}
            return [{**failure, "type": kind} for kind in ("SOCK_STREAM", "SOCK_DGRAM")]
