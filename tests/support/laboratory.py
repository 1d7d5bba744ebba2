"""Labs of one's own for tests: another project, another network, gone afterwards whatever happens."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import re
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from connlab.base import settings
from connlab.base.model import Event, events
from connlab.base.settings import Settings
from connlab.base.wait import until
from connlab.cluster import engine, hosts, images, lifecycle, one_off, profiles
from connlab.cluster.host import Host
from connlab.evidence import recorder
from tests.support.quick import quick
from tests.support.sockets import tcp_sockets

_numbers = itertools.count(1)
# Who looks at a lab before it is taken down: of this test, or of this recording's thread.
LAST_LOOK: ContextVar[Callable[[Lab], None]] = ContextVar("LAST_LOOK", default=lambda lab: None)


@dataclass(frozen=True)
class Lab:
    """A running lab: what was asked for, and the hosts that came of it."""

    settings: Settings
    server: Host
    clients: list[Host]


@contextlib.contextmanager
def laboratory(**knobs: object) -> Iterator[Lab]:
    """A lab with `knobs` over tests/support/menu.env (one idle client unless it says otherwise)."""
    chosen = own_settings(**knobs)
    with removed_afterwards(chosen):
        found = of(chosen, lifecycle.up(chosen))
        with quick(found.server) as server:
            lab = replace(found, server=server)
            try:
                yield lab
            finally:
                LAST_LOOK.get()(lab)


def own_settings(**knobs: object) -> Settings:
    """Settings for a project that nobody else has; its name ends with our process id."""
    base = settings.read()
    name = f"{base.project}-test-{os.getpid()}-{next(_numbers)}"
    return base.changed(**{"COMPOSE_PROJECT_NAME": name, "WORKLOAD": "idle", "CLIENTS": 1, **knobs})


def image(service: str) -> str:
    """The image of a service, built if it was not."""
    chosen = settings.read()
    images.ensure(chosen)
    return images.name(chosen, service)


@functools.cache
def missing(name: str) -> frozenset[str]:
    """The keys of a sysctl profile that this kernel does not have, so that no host can be given it (kernel.md T17)."""
    keys = profiles.sysctls(name)
    _, has = one_off.run_once(image("client"), ["-N", "-e", *keys], entrypoint="sysctl")
    return frozenset(keys) - set(has.split())


def needs(name: str) -> None:
    """Skip the test on a kernel without some key of this profile, and say which."""
    if absent := missing(name):
        pytest.skip(f"this kernel has no {', '.join(sorted(absent))}")


@contextlib.contextmanager
def removed_afterwards(chosen: Settings) -> Iterator[None]:
    """Take the project down on the way out, however far it came."""
    try:
        yield
    finally:
        one_off.remove_project(chosen.project)


def of(chosen: Settings, found: list[Host]) -> Lab:
    """The lab made of these hosts."""
    server, *clients = found
    return Lab(chosen, server, clients)


def remember(lab: Lab, keep: Callable[[str, object], object], since: str) -> None:
    """Keep a lab's knobs and images, and all that its hosts said since a moment, every attempt included."""
    images = {host.service: host.inspect()["Image"] for host in (lab.server, *lab.clients[:1])}
    keep("settings", {"knobs": lab.settings.values, "images": images})
    keep("events", recorder.read_events([lab.server, *lab.clients], since=since))


def told(lab: Lab, *names: str) -> list[Event]:
    """What the server has said under these names so far."""
    return [event for event in events(lab.server.log()) if event.event in names]


@contextlib.contextmanager
def shared(lab: Lab) -> Iterator[None]:
    """One test's turn in a lab that other tests use too; it begins with every slot free."""
    quiet(lab)
    try:
        yield
    finally:
        LAST_LOOK.get()(lab)


def quiet(lab: Lab) -> None:
    """Wait until nobody holds a connection, so that every slot is free."""

    def connected() -> set[str]:
        return {socket.state for socket in tcp_sockets(lab.server, lab.settings.port)} - {
            "LISTEN",
            "TIME-WAIT",
        }

    until(lambda: not connected(), "no connection is left", within=10)


def sweep() -> None:
    """Remove what test runs left whose process is gone (killed with SIGKILL, say), and try-outs that ended long ago."""
    with contextlib.suppress(
        engine.Refused
    ):  # one prune at a time: somebody else's runs, another worker's, say
        engine.client().api.prune_containers(filters={"label": ["connlab.try=1"], "until": "10m"})
    base = settings.read()
    for name in hosts.projects(f"{base.project}-test-"):
        owner = re.fullmatch(rf"{base.project}-test-(\d+)-\d+", name)
        if owner and not Path(f"/proc/{owner[1]}").exists():
            one_off.remove_project(name)
