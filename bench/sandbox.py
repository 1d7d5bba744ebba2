"""Labs of the bench's own: a project for each peer, gone when the bench is."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

import docker.errors

from connlab.base import settings
from connlab.base.errors import GaveUp
from connlab.base.settings import Settings
from connlab.base.wait import until
from connlab.cluster import engine, hosts, removal

# Seen on engine 20.10 under load: it miscounts a network's endpoints until it is restarted.
STUCK = "the engine does not remove what is left of {0}: docker network ls --filter name={0}"
START = 3  # clients of a new lab
# Idle clients, and a policy that does not get in the way of counting dials; the same for every peer.
KNOBS = {"CLIENTS": START, "WORKLOAD": "idle", "CONNLIMIT": 20000, "BACKLOG": 4096}


@contextlib.contextmanager
def projects(peers: Sequence[str]) -> Iterator[dict[str, Settings]]:
    """Return settings for each peer; whatever carries their projects' labels is removed on the way out."""
    mine = settings.read()
    lab_settings = {
        peer: mine.changed(COMPOSE_PROJECT_NAME=f"{mine.project}-bench-{os.getpid()}-{peer}", **KNOBS)
        for peer in peers
    }
    before = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield lab_settings
    finally:
        # From here on a second Ctrl-C would only leave things behind.
        before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
        clear(lab_settings.values())
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def environment() -> Iterator[dict[str, str]]:
    """Return the environment of every peer's commands; the lab's lock files go where they do not stay."""
    with tempfile.TemporaryDirectory(prefix="connlab-bench-") as cache:
        yield {**os.environ, "XDG_CACHE_HOME": cache}


def clear(labs: Iterable[Settings]) -> None:
    """Remove every lab, and say what the engine will not let go of instead of hiding why we are here."""
    for lab in labs:
        try:
            remove(lab.project)
        except GaveUp:
            print(f"bench: {STUCK.format(lab.project)}", file=sys.stderr)


def remove(project: str) -> None:
    """Remove everything of a project, also what the engine was still making when its peer was stopped."""
    findings: deque[bool] = deque(maxlen=2)

    def empty_twice() -> bool:
        findings.append(sweep(project))
        return list(findings) == [True, True]

    until(empty_twice, f"{project} is gone", within=30, every=0.2)
    removal.remove_project(project)  # its volume, where the lab keeps its knobs


def sweep(project: str) -> bool:
    """Remove what is there now; whether there was nothing."""
    api, ours = engine.client().api, {"label": f"{hosts.PROJECT}={project}"}
    containers = [entry["Id"] for entry in api.containers(all=True, filters=ours)]
    networks = [entry["Id"] for entry in api.networks(filters=ours)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(_remove_container, containers))
    for network in networks:
        with contextlib.suppress(docker.errors.APIError):
            api.remove_network(network)
    return not containers and not networks


def _remove_container(container: str) -> None:
    with contextlib.suppress(docker.errors.APIError):
        engine.client().api.remove_container(container, force=True)


def _stop(number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


Environment = Mapping[str, str]
