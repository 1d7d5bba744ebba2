"""The Docker engine: reached, asked for its version, and what that says of it.

In connlab, this module alone imports the Docker SDK.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Mapping
from typing import Any

import docker
import docker.constants
import docker.errors
import requests.exceptions
from docker.context import ContextAPI

from connlab.base import settings
from connlab.base.errors import NotFit
from connlab.cluster import unreachable

# What the SDK raises when the engine goes away, or refuses, in the middle of something.
ERRORS = (docker.errors.DockerException, requests.exceptions.RequestException)
Refused = docker.errors.APIError  # it is there, and says no; `explanation` has its words
NotFound = docker.errors.NotFound  # there is no such container, network or image
ANSWERS_WITHIN = 10  # seconds for its first answer

# The first that no longer tells ContainerConfig, without which Compose 1 cannot recreate (docker/compose#11742).
WITHOUT_COMPOSE_1 = (25,)
# Before it, two hosts that leave one network at a moment can make the engine stand still for ever: one thread holds
# the controller's lock and wants the network's, the other the reverse (moby/moby#46661).
PARTS_AT_ONCE = (20, 10, 27)


def environment() -> dict[str, str]:
    """Return the environment for programs that talk to the engine, so that it is the one that `client` reaches.

    A context (DOCKER_CONTEXT, or the one that docker(1) was told to use) becomes its DOCKER_HOST, which every
    program and every version of it takes; one with TLS stays as it is. Raises `NotFit` for a context that is not there.
    """
    variables = settings.engine_variables()
    if variables.get("DOCKER_HOST"):
        return variables
    try:
        context = ContextAPI.kwargs_from_context(environment=variables)
    except Exception as error:  # the SDK raises just that for a file that it cannot read
        raise NotFit(error, next_step="docker context ls; or name the engine with DOCKER_HOST") from error
    if not context and variables.get("DOCKER_CONTEXT"):
        raise NotFit(
            f"DOCKER_CONTEXT={variables['DOCKER_CONTEXT']!r} is no context", next_step="docker context ls"
        )
    if context and "tls" not in context:
        variables.pop("DOCKER_CONTEXT", None)
        variables["DOCKER_HOST"] = context["base_url"]
    return variables


@functools.cache
def client() -> docker.DockerClient:
    """Connect to the engine that DOCKER_HOST names, or the local one. Raises `NotFit` if it cannot be used."""
    variables = environment()
    try:
        # It asks for the version; an engine that has come to stand still takes the call and never answers.
        engine_client = docker.from_env(
            version="auto", timeout=ANSWERS_WITHIN, max_pool_size=32, environment=variables
        )
    except (*ERRORS, ValueError) as error:  # that of an address that is none
        raise unreachable.refusal(error, _address(variables), ANSWERS_WITHIN) from error
    engine_client.api.timeout = docker.constants.DEFAULT_TIMEOUT_SECONDS
    # Whether a container has a terminal, which the SDK asks the engine before each reading of a log: none of ours has.
    engine_client.api._check_is_tty = lambda container: False  # type: ignore[attr-defined]
    if _is_socket_file(engine_client):
        # No proxy leads to a file. Looking for one reads the whole environment in every request, and fails where
        # another thread sets a variable at that moment.
        engine_client.api.trust_env = False
    return engine_client


def is_local_socket() -> bool:
    """Whether the engine is reached through a socket file of this machine, not by an address."""
    return _is_socket_file(client())


def _is_socket_file(engine_client: docker.DockerClient) -> bool:
    return str(engine_client.api.base_url).startswith("http+docker://local")


@functools.cache
def version() -> str:
    """Return the version of that engine, `20.10.24+dfsg1`."""
    return str(client().version()["Version"])


def kernel_release() -> str:
    """Return the release of the kernel that its machine runs, `6.18.44`."""
    return str(client().version()["KernelVersion"])


@functools.cache
def identity() -> str:
    """Which engine this is, on which kernel: what works there once works there again."""
    info = client().info()
    return f"{info.get('ID')} {version()} {info.get('KernelVersion')}"


def processors() -> int:
    """Return how many processors the engine's machine has: no container may be given more."""
    return int(client().info()["NCPU"])


def why(error: Exception) -> str:
    """Return what the SDK raised, in the engine's words or plain ones, without the address that was called."""
    return str(error.explanation or error) if isinstance(error, Refused) else unreachable.cause(error)


def at_least(version: str, minimum: tuple[int, ...]) -> bool:
    """Whether an engine (`20.10.24+dfsg1`) is of this version or newer; one of unknown version is not."""
    match = re.match(r"\d+(\.\d+)*", version)
    return match is not None and tuple(map(int, match[0].split("."))) >= minimum


def image_labels(name: str) -> Mapping[str, str] | None:
    """Return the labels of a local image; None if there is no such image."""
    try:
        return dict(client().images.get(name).labels)
    except docker.errors.ImageNotFound:
        return None


def named_images(label: str) -> list[str]:
    """Return a name of each local image with this label that has one."""
    found = client().api.images(filters={"label": label})
    return [
        names[0] for entry in found if (names := [n for n in entry["RepoTags"] or [] if "<none>" not in n])
    ]


def image_id(name: str) -> str | None:
    """Return the id of a local image; None if there is no such image."""
    try:
        return str(client().images.get(name).id)
    except docker.errors.ImageNotFound:
        return None


def name_image(image: str, name: str) -> None:
    """Give a local image, by its id, a name with a tag."""
    repository, _, tag = name.rpartition(":")
    client().api.tag(image, repository, tag)


def memory(container: str) -> Mapping[str, Any]:
    """Return what a container's control group counts of memory, in bytes: `usage`, and `stats` (memory.stat)."""
    found: Mapping[str, Any] = _stats(container)["memory_stats"]
    return found


def processor_seconds(container: str) -> float:
    """Return what a container's control group counts of processor time. Raises `Refused` if it is gone."""
    return float(_stats(container)["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9


def _stats(container: str) -> Mapping[str, Any]:
    """Return what the engine reads of a container's control group now. Raises `Refused` if it is gone."""
    found: Mapping[str, Any] = client().api.stats(container, stream=False, one_shot=True)
    return found


def remove_image(name: str) -> None:
    """Remove a local image, if there is one of that name and nothing runs from it."""
    with contextlib.suppress(docker.errors.ImageNotFound):
        client().api.remove_image(name)


def has_no_container(label: str) -> bool:
    """Whether no container, running or not, has this label."""
    return not client().api.containers(all=True, filters={"label": label})


def remove_nameless_images(label: str) -> None:
    """Remove the images with this label that have no name and that nothing was made from."""
    for entry in client().api.images(filters={"dangling": True, "label": label}):
        with contextlib.suppress(Refused):  # a container is made from it
            client().api.remove_image(entry["Id"])


def remove_unused_images(label: str) -> tuple[list[str], int]:
    """Remove the images with this label that no container, running or not, was made from.

    Returns their names, of those that had one, and the bytes that are free again.
    """
    report = client().images.prune(filters={"dangling": False, "label": label})
    untagged = (layer.get("Untagged", "") for layer in report["ImagesDeleted"] or [])
    return sorted(name for name in untagged if name and "@" not in name), int(report["SpaceReclaimed"])


def _address(variables: Mapping[str, str]) -> str:
    """Return the address that was tried: DOCKER_HOST, or that of a context with TLS, or this machine's socket."""
    if variables.get("DOCKER_HOST"):
        return variables["DOCKER_HOST"]
    context = ContextAPI.kwargs_from_context(environment=variables) or {}
    return str(context.get("base_url") or docker.constants.DEFAULT_UNIX_SOCKET.removeprefix("http+"))
