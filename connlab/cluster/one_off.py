"""Containers that live for one question: a host beside the lab's own, a try-out, a hand in a host's network.

A spare host carries the project's labels as a one-off container, so that it does not survive the lab; the
others end with their command and are removed at once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connlab.base import probes
from connlab.base.errors import LabError
from connlab.cluster.engine import Refused, client
from connlab.cluster.host import CommandFailed, Host
from connlab.cluster.hosts import NUMBER, ONE_OFF, PROJECT, SERVICE
from connlab.cluster.removal import remove

HARDENED: Mapping[str, Any] = {
    "cap_drop": ["ALL"],
    "read_only": True,
    "security_opt": ["no-new-privileges:true"],
}
# What Docker makes read-only in a container, without /proc/sys/net, which is the network namespace's own.
REST_OF_PROC = [
    *(f"/proc/{name}" for name in ("bus", "fs", "irq", "sysrq-trigger")),
    *(f"/proc/sys/{name}" for name in ("abi", "debug", "dev", "fs", "kernel", "user", "vm")),
]
PATIENCE = 30  # seconds for a command to end
TRY_OUT = "connlab.try"  # label: nobody needs it any more once its maker has ended


@contextlib.contextmanager
def ephemeral_host(
    project: str, image: str, number: int, sysctls: Mapping[str, str], seconds: int = 60
) -> Iterator[Host]:
    """One more host on a lab's network, `spare-1`, that does nothing; removed on the way out.

    It removes itself after `seconds`, should we be killed; `make down` does it sooner.
    Raises `LabError` with the engine's words if it does not start.
    """
    network = client().api.networks(filters={"label": f"{PROJECT}={project}"})[0]["Name"]
    labels = {PROJECT: project, SERVICE: "client", NUMBER: str(number), ONE_OFF: "True"}
    container = None
    try:
        container = client().containers.create(
            image, [str(seconds)], entrypoint="sleep", network=network, labels=labels, auto_remove=True,
            tmpfs={"/tmp": "size=1m,noexec,nosuid,nodev"}, sysctls=dict(sysctls), **HARDENED,
        )  # fmt: skip
        container.start()
        container.reload()
        address = container.attrs["NetworkSettings"]["Networks"][network]["IPAddress"]
        yield Host(str(container.id), "spare", number, address, "running", "")
    except Refused as error:
        raise LabError(str(error.explanation)) from error
    finally:
        if container is not None:
            remove(str(container.id))


def run_once(
    image: str, argv: Sequence[str], *, writable_net: bool = False, entrypoint: str | None = None,
    environment: Mapping[str, str] | None = None, user: str = "", network: str = "none", **options: Any,
) -> tuple[int, str]:  # fmt: skip
    """Run a command in a throw-away container, without a network if none is named; its exit status and both streams.

    `options` are those of the engine's HostConfig (`cap_add`, `sysctls`); all else is taken away. With
    `writable_net` it can write /proc/sys/net, which is its own and goes with it. A container that cannot be
    created or started is exit status 1 and the engine's words.
    """
    api = client().api
    config = api.create_host_config(network_mode=network, **HARDENED, **options)
    if writable_net:
        config["ReadonlyPaths"] = REST_OF_PROC
    return _run(image, argv, entrypoint, config, environment=dict(environment or {}), user=user)


def run_in_netns(
    host: Host, argv: Sequence[str], *, writable_net: bool = False, processes_of: Host | None = None
) -> str:
    """Run a command as root with NET_ADMIN in a host's network namespace; its standard output.

    Neither the host nor anybody in it gains a capability: the command runs in a container of its own, which
    shares the host's network and nothing else (`--network container:ID`). With `writable_net` it can write
    /proc/sys/net, which is the host's. PID 1 is that of `processes_of`, so that ip(8) can name another host's
    network namespace. Raises `CommandFailed`.
    """
    config = netns_config(host, pid_mode=f"container:{processes_of.id}" if processes_of else None)
    if writable_net:
        config["ReadonlyPaths"] = REST_OF_PROC
    status, output = _run(host.inspect()["Image"], argv[1:], argv[0], config, user="0")
    if status:
        raise CommandFailed(f"{host.name}: {probes.command_line(argv)}: exit status {status}", output.strip())
    return output


def netns_config(host: Host, **options: Any) -> dict[str, Any]:
    """Return the engine's HostConfig of a container with NET_ADMIN in a host's network namespace."""
    config: dict[str, Any] = client().api.create_host_config(
        network_mode=f"container:{host.id}", cap_add=["NET_ADMIN"], **HARDENED, **options
    )
    return config


def _run(
    image: str, argv: Sequence[str], entrypoint: str | None, config: Mapping[str, Any], **options: Any
) -> tuple[int, str]:
    api, container = client().api, None
    try:
        container = api.create_container(
            image,
            list(argv),
            entrypoint=entrypoint,
            host_config=config,
            labels={TRY_OUT: "1"},
            **options,
        )["Id"]
        api.start(container)
        status = int(api.wait(container, timeout=PATIENCE)["StatusCode"])
        return status, api.logs(container).decode(errors="replace")
    except Refused as error:
        return 1, str(error.explanation)
    finally:
        if container is not None:
            api.remove_container(container, force=True)
