"""A client host that is made like another: the same image, environment, settings and place, another number.

Compose only counts upwards from the highest number, so it cannot make client-1 anew beside client-2; and what it would
make is what the checkout says now, which may have been edited since the others were made.
"""

from __future__ import annotations

import http
import re
from collections.abc import Sequence
from typing import Any

from connlab.base.wait import until
from connlab.cluster.engine import Refused, client
from connlab.cluster.host import Host
from connlab.cluster.hosts import NUMBER, PROJECT, SERVICE, find

LATE_WITHIN = 30.0  # seconds for the engine to list a container whose name it has given


def missing_numbers(client_hosts: Sequence[Host], clients: int) -> list[int]:
    """List the numbers from 1 to `clients` that no client has."""
    return sorted(set(range(1, clients + 1)) - {host.number for host in client_hosts})


def create(model: Host, number: int) -> str:
    """Create, and do not start, the client of this number like `model`; return its container's id.

    One that the engine still makes for a verb that was interrupted has the name, and is taken instead.
    Raises `GaveUp` if somebody else's container has it.
    """
    api, inspection = client().api, dict(model.inspect())
    config: dict[str, Any] = {key: value for key, value in inspection["Config"].items() if key != "Hostname"}
    config["Labels"] = {**config["Labels"], NUMBER: str(number)}
    config["HostConfig"] = inspection["HostConfig"]
    place = {"Aliases": [config["Labels"][SERVICE]]}
    config["NetworkingConfig"] = {
        "EndpointsConfig": dict.fromkeys(inspection["NetworkSettings"]["Networks"], place)
    }
    name = re.sub(r"\d+$", str(number), inspection["Name"].lstrip("/"))
    try:
        container: dict[str, Any] = api.create_container_from_config(config, name)  # type: ignore[no-untyped-call]
    except Refused as error:
        if error.status_code != http.HTTPStatus.CONFLICT:
            raise
        project = config["Labels"][PROJECT]
        return until(lambda: _late_id(project, number), f"{name} is there, whose name is taken", LATE_WITHIN)
    return str(container["Id"])


def _late_id(project: str, number: int) -> str | None:
    """Return the id of the client of this number, or None while the engine does not list it."""
    return next((host.id for host in find(project, "client") if host.number == number), None)


def start(container: str) -> None:
    """Start what `create` made."""
    client().api.start(container)
