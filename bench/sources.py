"""Hosts that are no containers: a dense lab's sources, and what is else made by hand, namespaces by ip-netns(8)."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Sequence
from typing import Any

from docker.errors import DockerException
from requests.exceptions import RequestException

from bench import sandbox
from bench.figures import dense_lab_name
from bench.peers import Peer
from bench.samples import LAB, Samples, add
from connlab.base.errors import LabError
from connlab.base.settings import HOME, Settings
from connlab.cluster import images, one_off

NETNS = 100
SCRIPT = HOME / "bench/netns_hosts.sh"
# mount(2) for the names of namespaces needs SYS_ADMIN; the container has no network and nothing of the machine's.
OPTIONS: dict[str, Any] = {"cap_add": ["NET_ADMIN", "SYS_ADMIN"], "tmpfs": {"/run": "size=1m"}}


def measure(peer: Peer, lab: Settings, dense: Sequence[tuple[int, int]], samples: Samples) -> list[str]:
    """Measure hosts by ip(8), and labs of so many clients with so many sources each; notes on what could not be."""
    steps = {f"{NETNS} hosts by ip netns": functools.partial(_netns, lab, samples)}
    for clients, sources in dense:
        steps[dense_lab_name(clients, sources)] = functools.partial(
            _dense, peer, lab, clients, sources, samples
        )
    notes = []
    for name, step in steps.items():
        print(f"bench: {name}", file=sys.stderr, flush=True)
        try:
            step()
        except (LabError, DockerException, RequestException) as error:
            notes.append(f"{name}: left out: {error}")
            print(f"bench: {notes[-1]}", file=sys.stderr)
            sandbox.clear([lab])
    return notes


def _dense(peer: Peer, lab: Settings, clients: int, sources: int, samples: Samples) -> None:
    """Bring up a lab of so many clients with so many sources each, all ready, and take it down."""
    target, name = lab.changed(CLIENTS=clients, SOURCES_PER_CLIENT=sources), dense_lab_name(clients, sources)
    began = time.perf_counter()
    peer.up(target)
    seconds = time.perf_counter() - began
    began = time.perf_counter()
    peer.down(target)
    add(samples, f"{name}, up", LAB, seconds)
    add(samples, f"{name}, each", LAB, seconds / (clients * sources) * 1000)
    add(samples, f"{name}, down", LAB, time.perf_counter() - began)


def _netns(lab: Settings, samples: Samples) -> None:
    """Make hosts with ip(8) in one container. Raises `LabError` with its words where that is forbidden."""
    argv = ["-c", SCRIPT.read_text(), "sh", str(NETNS)]
    status, words = one_off.run_once(
        images.name(lab, "client"), argv, entrypoint="sh", user="0", writable_net=True, **OPTIONS
    )
    if status:
        raise LabError("the container says", words.strip())
    began, made = map(float, words.split())
    add(samples, f"netns {NETNS}", LAB, made - began)
