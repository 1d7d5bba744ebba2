"""A client host that is made like another: the same image, environment, settings and place, another number.

Compose only counts upwards from the highest number, so it cannot make client-1 anew beside client-2; and what it would
make is what the checkout says now, which may have been edited since the others were made.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from connlab.cluster.engine import client
from connlab.cluster.host import Host
from connlab.cluster.hosts import NUMBER, SERVICE


def missing_numbers(client_hosts: Sequence[Host], clients: int) -> list[int]:
    """List the numbers from 1 to `clients` that no client has."""
    return sorted(set(range(1, clients + 1)) - {host.number for host in client_hosts})


def create(model: Host, number: int) -> str:
    """Create, and do not start, the client of this number like `model`; its container's id."""
    api, inspection = client().api, dict(model.inspect())
    config: dict[str, Any] = {key: value for key, value in inspection["Config"].items() if key != "Hostname"}
    config["Labels"] = {**config["Labels"], NUMBER: str(number)}
    config["HostConfig"] = inspection["HostConfig"]
    place = {"Aliases": [config["Labels"][SERVICE]]}
    config["NetworkingConfig"] = {
        "EndpointsConfig": dict.fromkeys(inspection["NetworkSettings"]["Networks"], place)
    }
    name = re.sub(r"\d+$", str(number), inspection["Name"].lstrip("/"))
    container: dict[str, Any] = api.create_container_from_config(config, name)  # type: ignore[no-untyped-call]
    return str(container["Id"])


def start(container: str) -> None:
    """Start what `create` made."""
    client().api.start(container)
