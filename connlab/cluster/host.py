"""A host: one container of a lab, and what can be done with it: run a command, read its log, stop it."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from connlab.base import probes
from connlab.base.errors import LabError
from connlab.cluster.engine import NotFound, Refused, client
from connlab.cluster.stream import Stream

COMMAND_WITHIN = 120.0  # seconds


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

    patience: ClassVar[float] = 30.0  # seconds for an agent's answer, beyond what the request may itself take

    @property
    def name(self) -> str:
        """`server-1`, `client-2`."""
        return f"{self.service}-{self.number}"

    @property
    def key(self) -> tuple[str, ...]:
        """What tells it from every other host."""
        return (self.id,)

    @property
    def running(self) -> bool:
        """Whether its PID 1 ran when it was listed."""
        return self.state == "running"

    @property
    def trouble(self) -> str:
        """What is wrong with it: `paused`, `exited (137)`, `not on the lab's network`; empty if nothing is."""
        if self.state == "running":
            return "" if self.address else "not on the lab's network"
        if self.state == "exited" and (code := re.match(r"Exited (\(\d+\))", self.uptime)):
            return f"exited {code[1]}"
        return "created and never started" if self.state == "created" else self.state

    @property
    def young(self) -> bool:
        """Whether it was started less than a minute before it was listed (by the engine's own clock)."""
        return bool(re.match(r"Up (Less than|\d+) (a )?second", self.uptime))

    def run(self, argv: Sequence[str], user: str = "", within: float | None = None) -> str:
        """Run a command on this host and return its standard output.

        Raises `CommandFailed` with both streams, `GaveUp` if it has not ended `within` seconds, two minutes if nothing
        else is said: an engine that has lost the end of a command, and a guest that hangs, say nothing for ever.
        """
        exec_id, stream = self._start(argv, user, stdin=False)
        with stream:
            out, err = stream.read_all(COMMAND_WITHIN if within is None else within)
        if code := client().api.exec_inspect(exec_id)["ExitCode"]:
            raise CommandFailed(
                f"{self.name}: {probes.command_line(argv)}: exit status {code}", err.strip() or out.strip()
            )
        return out

    def stream(self, argv: Sequence[str], user: str = "") -> Stream:
        """Start a command with its standard input and output in hand; closing the stream ends both."""
        return self._start(argv, user, stdin=True)[1]

    def _start(
        self, argv: Sequence[str], user: str, *, stdin: bool, told: Sequence[str] = ()
    ) -> tuple[str, Stream]:
        """Start a command; `told` is what its end is told of, where that is another one."""
        api = client().api
        exec_id: str = api.exec_create(self.id, list(argv), stdin=stdin, user=user)["Id"]
        raw: Any = api.exec_start(exec_id, socket=True)
        sock: socket.socket = getattr(raw, "_sock", raw)
        response: Any = getattr(raw, "_response", sock)
        name = f"{self.name}: {probes.command_line(told or argv)}"
        return exec_id, Stream(sock, name, _early(response, sock), release=response.close)

    def log(
        self, tail: int | Literal["all"] = "all", since: float | None = None, until: float | None = None
    ) -> str:
        """Return what PID 1 wrote, both streams; only the last lines, or those between two moments (seconds, UTC)."""
        return _text(client().api.logs(self.id, tail=tail, since=since, until=until))

    def inspect(self) -> Mapping[str, Any]:
        """Everything that the engine knows of the container."""
        inspection: dict[str, Any] = client().api.inspect_container(self.id)
        return inspection

    def signal(self, name: str) -> None:
        """Send a signal to PID 1."""
        client().api.kill(self.id, name)

    def remove(self, grace: int) -> None:
        """Ask PID 1 to stop, give it `grace` seconds, and remove the container; one that is gone already is fine."""
        with contextlib.suppress(NotFound):
            if self.state == "paused":  # the engine stops no frozen process
                self.unpause()
            client().api.stop(self.id, timeout=grace)
            client().api.remove_container(self.id, v=True)

    def unpause(self) -> None:
        """Let a paused host go on; one that is not paused, or not there, is fine."""
        with contextlib.suppress(Refused):
            client().api.unpause(self.id)

    def restart(self) -> None:
        """Stop PID 1 and start it again: the same container, a new network namespace."""
        client().api.restart(self.id, timeout=5)


def _early(response: Any, sock: socket.socket) -> bytes:
    """Return what the engine sent in one piece with the head of its answer.

    It is in the buffer that the head was read through, and the SDK (7.2) hands out the socket beneath it: under
    load, the first bytes of a short command's output were lost, or all of them.
    """
    reader: Any = getattr(response, "raw", None)
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
