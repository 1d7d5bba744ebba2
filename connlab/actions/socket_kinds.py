"""The article's table of socket families and types, tried on this kernel: made, and talked through."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from typing import Any

from connlab.actions.running_client import running_client
from connlab.base.errors import LabError
from connlab.base.settings import HOME, Settings
from connlab.cluster import hosts, images, one_off
from connlab.cluster.hosts import Host

# The text travels with the command: both hosts run the same program, and the server's image has no client.
PROGRAM = HOME / "probes" / "socket_table.py"
# The user of the article's programs and of the server process: no capability at all.
USER = "connlab"
# Docker turns IPv6 off in a container on an IPv4 network; on, the kernel gives it an address on its link.
IPV6_ON = {"net.ipv6.conf.all.disable_ipv6": "0"}
PATIENCE = 30.0  # seconds for a program to start and an IPv6 address to be usable

Row = dict[str, Any]


def sockets(settings: Settings, number: int) -> dict[str, Any]:
    """What `lab sockets --json` prints. Raises `Usage` if there is no such client, `LabError` without a server.

    Messages over IPv4 go from the client to the server, on ports of their own, so no slot is taken; over
    IPv6 between two spare hosts, because the lab's own have none.
    """
    found = hosts.find(settings.project)
    client = running_client(found, number)
    server = hosts.server(settings.project, found)
    ours, theirs = (json.loads(host.run(_argv(), user=USER)) for host in (client, server))
    exchanged = [{**row, "from": client.name, "to": client.name} for row in ours["inside"]]
    exchanged += _exchange(client, server, "AF_INET") + _exchange_ipv6(settings)
    return {
        "schema": 1,
        "client": client.name,
        "server": server.name,
        "user": USER,
        "tried": [_merged(mine, other) for mine, other in zip(ours["tried"], theirs["tried"], strict=True)],
        "exchanged": exchanged,
    }


def state(errno: str | None) -> str:
    """What an answer of socket(2) means for a program without privileges."""
    if errno is None:
        return "supported"
    return "needs CAP_NET_RAW" if errno in ("EPERM", "EACCES") else "not supported"


def _merged(mine: Row, other: Row) -> Row:
    kind = {name: mine[name] for name in ("family", "family_number", "type", "type_number", "protocol")}
    said = {"client": mine, "server": other}
    return kind | {
        host: {"state": state(row["errno"]), "errno": row["errno"], "made": row["made"]}
        for host, row in said.items()
    }


def _exchange(near: Host, far: Host, family: str) -> list[Row]:
    """A message from `near` to `far` and back over TCP and UDP; `heard` is what `far` says of it."""
    with far.stream(_argv("listen"), user=USER) as listener:
        asks = [ask for ask in json.loads(listener.read_line(PATIENCE)) if ask["family"] == family]
        rows = json.loads(near.run(_argv("exchange", json.dumps(asks)), user=USER))
        for row in rows:
            heard = json.loads(listener.read_line(PATIENCE)) if row["came_back"] else {}
            row |= {"heard": heard.get("message"), "heard_from": heard.get("source")}
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
            failed = {"family": "AF_INET6", "came_back": False, "error": str(error)}
            return [{**failed, "type": kind} for kind in ("SOCK_STREAM", "SOCK_DGRAM")]


def _argv(*arguments: str) -> Sequence[str]:
    return ["python3", "-S", "-E", "-c", PROGRAM.read_text(), *arguments]
