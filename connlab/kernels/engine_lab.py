"""The lab on the kernel of the engine's own machine: containers, with the programs that a guest's hosts have."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

from connlab.agent.idle import IdleAgents
from connlab.base.settings import Settings
from connlab.cluster import engine, host_files, images, lifecycle, one_off, orphans, removal
from connlab.cluster.host import Host
from connlab.cluster.idle_host import idle_host
from connlab.kernels.claim_lab import SYSCTL, ClaimLab

SECONDS = 900  # after which the agent's host on the server ends by itself


@contextlib.contextmanager
def engine_lab(settings: Settings, clients: int) -> Iterator[ClaimLab]:
    """Bring up a lab of its own project; it is gone on the way out."""
    orphans.remove(_prefix(settings.project))
    own = settings.changed(COMPOSE_PROJECT_NAME=project(settings), CLIENTS=clients)
    try:
        server, *client_hosts = lifecycle.up(own)
        with _agents_host(own, server) as itself:
            yield ClaimLab(server, itself, tuple(client_hosts), IdleAgents(), _write_sysctls)
    finally:
        removal.remove_project(own.project)


@contextlib.contextmanager
def _agents_host(settings: Settings, server: Host) -> Iterator[Host]:
    """Start a container that has nothing of its own but an agent's programs: its network is the server's."""
    config = engine.client().api.create_host_config(
        network_mode=f"container:{server.id}", auto_remove=True, pids_limit=64, mem_limit="128m",
        tmpfs={"/tmp": "size=1m,noexec,nosuid,nodev"}, **one_off.HARDENED,
    )  # fmt: skip
    environment = {**settings.values, **host_files.environment(settings, "client")}
    image = images.name(settings, "client")
    with idle_host(image, server.name, config, SECONDS, environment=environment) as host:
        yield host


def _write_sysctls(host: Host, settings: Sequence[str]) -> None:
    one_off.run_in_netns(host, [*SYSCTL, *settings], writable_net=True)


def project(settings: Settings) -> str:
    """Return the Compose project of the lab that this process brings up."""
    return f"{_prefix(settings.project)}{os.getpid()}"


def _prefix(project: str) -> str:
    return f"{project}-kernels-"
