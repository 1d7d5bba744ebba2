"""The floor: the same containers by the bare Docker API, created and started four at a time."""

from __future__ import annotations

import copy
import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.sandbox import START, sweep
from connlab.base.settings import Settings
from connlab.cluster import engine, hosts

THREADS = 4
Template = dict[str, Any]


def templates(project: str) -> dict[str, Template]:
    """Read how Compose had the engine make each service's container, to be asked for again."""
    return {host.service: dict(host.inspect()) for host in hosts.find(project)}


def up(made: dict[str, Template], lab: Settings) -> None:
    engine.client().api.create_network(
        _network(lab), driver="bridge", internal=True, labels={hosts.PROJECT: lab.project}
    )
    _start(made["server"], lab, 1)
    _start_clients(made, lab, range(1, START + 1))


def scale(made: dict[str, Template], lab: Settings, clients: int) -> None:
    running = len(hosts.find(lab.project, "client"))
    _start_clients(made, lab, range(running + 1, clients + 1))


def down(lab: Settings) -> None:
    sweep(lab.project)


def _start_clients(made: dict[str, Template], lab: Settings, numbers: range) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(functools.partial(_start, made["client"], lab), numbers))


def _start(template: Template, lab: Settings, number: int) -> None:
    """Start one container like the template, in a project, on a network and with a number of its own."""
    api, config = engine.client().api, copy.deepcopy(template["Config"])
    config["Hostname"] = ""
    config["Labels"] |= {hosts.PROJECT: lab.project, hosts.NUMBER: str(number)}
    config["HostConfig"] = {**template["HostConfig"], "NetworkMode": _network(lab)}
    alias = config["Labels"][hosts.SERVICE]
    config["NetworkingConfig"] = {"EndpointsConfig": {_network(lab): {"Aliases": [alias]}}}
    name = f"{lab.project}_{alias}_{number}"
    made: Template = api.create_container_from_config(config, name)  # type: ignore[no-untyped-call]
    api.start(made["Id"])


def _network(lab: Settings) -> str:
    return f"{lab.project}_lab"
