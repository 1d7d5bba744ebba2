"""Labs for tests, each a project and a network of its own that are removed in the end, whatever happens."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field

import pytest

from connlab.agent.idle import IdleAgents
from connlab.base import settings
from connlab.base.model import Event, events
from connlab.base.settings import Settings
from connlab.base.wait import until
from connlab.cluster import engine, images, lifecycle, one_off, orphans, profiles, removal
from connlab.cluster.host import Host
from connlab.evidence import recorder
from tests.support.command_runner import with_runner
from tests.support.sockets import tcp_sockets

_numbers = itertools.count(1)
# What keeps evidence of a lab before it is taken down: of this test, or of this recording's thread.
LAB_RECORDER: ContextVar[Callable[[Lab], None]] = ContextVar("LAB_RECORDER", default=lambda lab: None)


@dataclass(frozen=True)
class Lab:
    """A running lab: its settings, its hosts, and agents of them, which tests that share the lab share too.

    What a test leaves open is closed as a process that ends would close it.
    """

    settings: Settings
    server: Host
    clients: list[Host]
    agents: IdleAgents = field(default_factory=lambda: IdleAgents(how="drop"), compare=False)


@contextlib.contextmanager
def laboratory(**knobs: object) -> Iterator[Lab]:
    """Start a lab with `knobs` over tests/support/menu.env (one idle client unless they say otherwise)."""
    lab_settings = own_settings(**knobs)
    with temporary_project(lab_settings), contextlib.ExitStack() as runners:
        server, *clients = [runners.enter_context(with_runner(host)) for host in lifecycle.up(lab_settings)]
        lab = Lab(lab_settings, server, clients)
        runners.callback(lab.agents.close)
        try:
            yield lab
        finally:
            LAB_RECORDER.get()(lab)


def own_settings(**knobs: object) -> Settings:
    """Return settings for a project that nobody else has; its name has our process id."""
    menu = settings.read()
    name = f"{menu.project}-test-{os.getpid()}-{next(_numbers)}"
    return menu.changed(**{"COMPOSE_PROJECT_NAME": name, "WORKLOAD": "idle", "CLIENTS": 1, **knobs})


def image(service: str) -> str:
    """Return the name of a service's image, built if it was not."""
    menu = settings.read()
    images.ensure(menu)
    return images.name(menu, service)


@functools.cache
def missing_keys(name: str) -> frozenset[str]:
    """Return the keys of a sysctl profile that this kernel lacks: no host can have the profile (kernel.md T17)."""
    keys = profiles.sysctls(name)
    _, output = one_off.run_once(image("client"), ["-N", "-e", *keys], entrypoint="sysctl")
    return frozenset(keys) - set(output.split())


def require_keys(name: str) -> None:
    """Skip the test, with the reason, on a kernel that lacks a key of this profile."""
    if missing := missing_keys(name):
        pytest.skip(f"this kernel has no {', '.join(sorted(missing))}")


@contextlib.contextmanager
def temporary_project(lab_settings: Settings) -> Iterator[None]:
    """Remove the project on the way out, however far it came."""
    try:
        yield
    finally:
        removal.remove_project(lab_settings.project)


def lab_of_hosts(lab_settings: Settings, lab_hosts: list[Host]) -> Lab:
    """Return the lab of these hosts, the server first."""
    server, *clients = lab_hosts
    return Lab(lab_settings, server, clients)


def record_lab(lab: Lab, keep: Callable[[str, object], object], since: str) -> None:
    """Keep a lab's knobs and images, and all events of its hosts since a moment, every attempt included."""
    images = {host.service: host.inspect()["Image"] for host in (lab.server, *lab.clients[:1])}
    keep("settings", {"knobs": lab.settings.values, "images": images})
    keep("events", recorder.read_events([lab.server, *lab.clients], since=since))


def server_events(lab: Lab, *names: str) -> list[Event]:
    """Return the server's events of these names so far."""
    return [event for event in events(lab.server.log()) if event.event in names]


def close_on_server(server: Host, source: str | None, *ports: int | None) -> int:
    """Have the server close a source's connections, or the one with this port; returns how many it closes."""
    words = ["close", str(source), *map(str, ports)]
    return int(server.run(["python3", "-S", "-E", "-m", "server.control", *words]))


@contextlib.contextmanager
def shared_use(lab: Lab) -> Iterator[None]:
    """Begin a test in a lab that other tests use too with every slot free, and keep its evidence at the end."""
    wait_until_free(lab)
    try:
        yield
    finally:
        LAB_RECORDER.get()(lab)


def wait_until_free(lab: Lab) -> None:
    """Wait until nobody holds a connection, so that every slot is free."""

    def is_free() -> bool:
        states = {socket.state for socket in tcp_sockets(lab.server, lab.settings.port)}
        return states <= {"LISTEN", "TIME-WAIT"}

    until(is_free, "no connection is left", within=10)


def remove_leftovers() -> None:
    """Remove the labs of test runs whose process is gone (SIGKILL, say), and one-off containers of 10 minutes ago."""
    with contextlib.suppress(engine.Refused):  # another worker's prune is running: one at a time
        engine.client().api.prune_containers(filters={"label": ["connlab.try=1"], "until": "10m"})
    orphans.remove(f"{settings.read().project}-test-", r"-\d+(-scale-\d+)?")
