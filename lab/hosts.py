"""Hosts: the containers of a lab, found by their Compose labels. The only user of the Docker SDK.

Names are never built: Compose 1 and 2 spell them differently, and neither promises them.
"""

from __future__ import annotations

import contextlib
import functools
import re
import shlex
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import docker
import docker.constants
import docker.errors
import requests.exceptions

from lab.errors import LabError, NotFit
from lab.stream import Stream

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
NUMBER = "com.docker.compose.container-number"
ONE_OFF = "com.docker.compose.oneoff"

# What the SDK raises when the engine goes away, or refuses, in the middle of something.
ENGINE_ERRORS = (docker.errors.DockerException, requests.exceptions.RequestException)
EngineRefused = docker.errors.APIError  # it is there, and says no; `explanation` has its words
ANSWERS_WITHIN = 10  # seconds for its first answer


class CommandFailed(LabError):
    """A command on a host ended with another status than 0; the text has all of it."""


@dataclass(frozen=True)
class Host:
    """One container as Docker listed it: a value, as old as the listing."""

    id: str
    service: str
    number: int
    address: str
    state: str
    uptime: str

    @property
    def name(self) -> str:
        """`server-1`, `client-2`."""
        return f"{self.service}-{self.number}"

    @property
    def running(self) -> bool:
        """Whether its PID 1 ran when it was listed."""
        return self.state == "running"

    @property
    def young(self) -> bool:
        """Whether it was started less than a minute before it was listed (by the engine's own clock)."""
        return bool(re.match(r"Up (Less than|\d+) (a )?second", self.uptime))

    def run(self, argv: Sequence[str], user: str = "") -> str:
        """Standard output of a command on this host. Raises `CommandFailed` with both streams."""
        exec_id, stream = self._start(argv, user, stdin=False)
        with stream:
            out, err = stream.read_all()
        if code := engine().api.exec_inspect(exec_id)["ExitCode"]:
            raise CommandFailed(
                f"{self.name}: {shlex.join(argv)}: exit status {code}: {err.strip() or out.strip()}"
            )
        return out

    def stream(self, argv: Sequence[str], user: str = "") -> Stream:
        """Start a command with its standard input and output in hand; closing the stream ends both."""
        return self._start(argv, user, stdin=True)[1]

    def _start(self, argv: Sequence[str], user: str, *, stdin: bool) -> tuple[str, Stream]:
        api = engine().api
        exec_id: str = api.exec_create(self.id, list(argv), stdin=stdin, user=user)["Id"]
        raw: Any = api.exec_start(exec_id, socket=True)
        sock: socket.socket = getattr(raw, "_sock", raw)
        return exec_id, Stream(sock, f"{self.name}: {shlex.join(argv)}", _early(raw, sock))

    def log(self, tail: int | Literal["all"] = "all", since: float | None = None) -> str:
        """What PID 1 wrote so far, both streams; only the last lines, or those since a moment (seconds, UTC)."""
        return _text(engine().api.logs(self.id, tail=tail, since=since))

    def inspect(self) -> Mapping[str, Any]:
        """Everything that the engine knows of the container."""
        known: dict[str, Any] = engine().api.inspect_container(self.id)
        return known

    def signal(self, name: str) -> None:
        """Send a signal to PID 1."""
        engine().api.kill(self.id, name)

    def remove(self, grace: int) -> None:
        """Ask PID 1 to stop, give it `grace` seconds, and remove the container; one that is gone already is fine."""
        with contextlib.suppress(docker.errors.NotFound):
            engine().api.stop(self.id, timeout=grace)
            engine().api.remove_container(self.id, v=True)

    def restart(self) -> None:
        """Stop PID 1 and start it again: the same container, a new network namespace."""
        engine().api.restart(self.id, timeout=5)


@functools.cache
def engine() -> docker.DockerClient:
    """The engine that DOCKER_HOST names, or the local one. Raises `NotFit` if it cannot be used."""
    try:
        # It asks for the version; an engine that has come to stand still takes the call and never answers.
        client = docker.from_env(version="auto", timeout=ANSWERS_WITHIN, max_pool_size=32)
    except ENGINE_ERRORS as error:
        raise NotFit(_unreachable(str(error))) from error
    client.api.timeout = docker.constants.DEFAULT_TIMEOUT_SECONDS
    return client


@functools.cache
def engine_version() -> str:
    """The version of that engine, `20.10.24+dfsg1`."""
    return str(engine().version()["Version"])


def find(project: str, service: str | None = None) -> list[Host]:
    """The hosts of a lab, the server first, then clients by number; stopped ones too."""
    labels = [f"{PROJECT}={project}", f"{ONE_OFF}=False", *([f"{SERVICE}={service}"] if service else [])]
    listed = engine().api.containers(all=True, filters={"label": labels})
    hosts = (_host(entry) for entry in listed)
    return sorted(hosts, key=lambda host: (host.service != "server", host.service, host.number))


def image_labels(name: str) -> Mapping[str, str] | None:
    """The labels of a local image; None if there is no such image."""
    try:
        return dict(engine().images.get(name).labels)
    except docker.errors.ImageNotFound:
        return None


def remove_image(name: str) -> None:
    """Remove a local image, if there is one of that name and nothing runs from it."""
    with contextlib.suppress(docker.errors.ImageNotFound):
        engine().api.remove_image(name)


def subnets(project: str) -> list[str]:
    """The IPv4 subnets of a lab's networks; none before it was up."""
    listed = engine().api.networks(filters={"label": f"{PROJECT}={project}"})
    configured = [config for network in listed for config in network["IPAM"]["Config"]]
    return [config["Subnet"] for config in configured if "." in config["Subnet"]]


def is_internal(network: str) -> bool:
    """Whether the engine drops everything that would leave this network."""
    return bool(engine().api.inspect_network(network)["Internal"])


def projects(prefix: str) -> set[str]:
    """The projects whose name starts with `prefix` and of which a container or a network is left."""
    api, ours = engine().api, {"label": PROJECT}
    listed = [*api.containers(all=True, filters=ours), *api.networks(filters=ours)]
    return {name for entry in listed if (name := entry["Labels"][PROJECT]).startswith(prefix)}


def _host(entry: Mapping[str, Any]) -> Host:
    labels: Mapping[str, str] = entry["Labels"]
    networks = entry["NetworkSettings"]["Networks"].values()
    address = next((network["IPAddress"] for network in networks), "")
    return Host(
        id=entry["Id"], service=labels[SERVICE], number=int(labels[NUMBER]), address=address,
        state=entry["State"], uptime=entry["Status"],
    )  # fmt: skip


def _early(raw: Any, sock: socket.socket) -> bytes:
    """What the engine sent in one piece with the head of its answer.

    It is in the buffer that the head was read through, and the SDK (7.2) hands out the socket beneath it: under
    load, the first bytes of a short command's output were lost, or all of them.
    """
    reader: Any = getattr(getattr(raw, "_response", None), "raw", None)
    buffered: Any = getattr(getattr(reader, "_fp", None), "fp", None)
    if not hasattr(buffered, "peek"):
        return b""
    sock.setblocking(False)  # an empty buffer would else wait to be filled
    try:
        return bytes(buffered.peek())
    finally:
        sock.setblocking(True)


def _text(data: object) -> str:
    return data.decode(errors="replace") if isinstance(data, bytes) else ""


def _unreachable(error: str) -> str:
    if "Permission denied" in error:
        fix = "your user may not use Docker: `sudo usermod -aG docker $USER`, then log in again"
    elif "Read timed out" in error:
        error = f"it took the call and did not answer within {ANSWERS_WITHIN} s"
        fix = "restart the engine: `sudo service docker restart`; DOCKER_HOST names one elsewhere"
    else:
        fix = "is the engine running? `sudo service docker start`; DOCKER_HOST names one elsewhere"
    return f"cannot reach the Docker engine: {error}\n  next: {fix}"
