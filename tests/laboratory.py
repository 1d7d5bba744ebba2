"""Labs of one's own for tests: another project, another network, gone afterwards whatever happens."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lab import compose, hosts, settings, topology
from lab.hosts import Host
from lab.model import Event, events
from lab.settings import Settings
from lab.wait import until

_numbers = itertools.count(1)
BEFORE_DOWN: list[Callable[[Lab], None]] = []  # who wants to look at a lab before it is taken down


@dataclass(frozen=True)
class Lab:
    """A running lab: what was asked for, and the hosts that came of it."""

    settings: Settings
    server: Host
    clients: list[Host]


@contextlib.contextmanager
def laboratory(**knobs: object) -> Iterator[Lab]:
    """A lab with `knobs` as in .env (clients are idle and two unless it says otherwise)."""
    chosen = own_settings(**knobs)
    with removed_afterwards(chosen):
        lab = of(chosen, topology.up(chosen))
        try:
            yield lab
        finally:
            for last_look in BEFORE_DOWN:
                last_look(lab)


def own_settings(**knobs: object) -> Settings:
    """Settings for a project that nobody else has; its name ends with our process id."""
    base = settings.read({})
    name = f"{base.project}-test-{os.getpid()}-{next(_numbers)}"
    return base.changed(**{"COMPOSE_PROJECT_NAME": name, "WORKLOAD": "idle", "CLIENTS": 2, **knobs})


@contextlib.contextmanager
def removed_afterwards(chosen: Settings) -> Iterator[None]:
    """Take the project down on the way out, however far it came."""
    try:
        yield
    finally:
        compose.run(chosen, "down", "--timeout", "2", "--volumes", "--remove-orphans", quiet=True)


def of(chosen: Settings, found: list[Host]) -> Lab:
    """The lab made of these hosts."""
    server, *clients = found
    return Lab(chosen, server, clients)


def told(lab: Lab, *names: str) -> list[Event]:
    """What the server has said under these names so far."""
    return [event for event in events(lab.server.log()) if event.event in names]


def quiet(lab: Lab) -> None:
    """Wait until nobody holds a connection, so that every slot is free."""
    command = [
        "ss",
        "-tnH",
        "state",
        "connected",
        "exclude",
        "time-wait",
        f"( sport = :{lab.settings.port} )",
    ]
    until(lambda: not lab.server.run(command).strip(), "no connection is left", within=10)


def sweep() -> None:
    """Remove what test runs left whose process is gone (killed with SIGKILL, say)."""
    base = settings.read({})
    for name in hosts.projects(f"{base.project}-test-"):
        owner = re.fullmatch(rf"{base.project}-test-(\d+)-\d+", name)
        if owner and not Path(f"/proc/{owner[1]}").exists():
            compose.run(
                base.changed(COMPOSE_PROJECT_NAME=name), "down", "--timeout", "2", "--volumes", quiet=True
            )
