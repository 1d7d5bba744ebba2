"""The hosts of a scenario, and what has happened on them so far."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from typing import Any

from namespaces.dial import Dial
from namespaces.hosts import Hosts
from namespaces.route import Route
from namespaces.server import Server
from namespaces.trace import Trace

# A port of its own for each dial, within what a kernel chooses from: one that the kernel chose would come again.
PORTS = range(33000, 61000)


class Scene:
    """What the steps of one scenario share: its hosts, its dials, connections that are held by the name of a group."""

    def __init__(self, hosts: Hosts, request: dict[str, Any]) -> None:
        self.hosts, self.request = hosts, request
        self.groups: dict[str, list[Dial]] = {}
        self.dials: list[Dial] = []
        self.trace: Trace | None = None
        self.servers: list[Server] = []
        self.listening: set[int] = set()
        self._ports = itertools.cycle(PORTS)

    def dial(self, source: str, to: str, port: int, *, outgoing: bool = False) -> Dial:
        """Make a dial, from the client's side or from the server's own."""
        namespace = self.hosts.server if outgoing else self.hosts.client
        own = next(each for each in self._ports if each not in self.listening)
        dial = Dial(namespace, Route(source, to, port, own), outgoing=outgoing)
        self.dials.append(dial)
        return dial

    def hang_up(self) -> None:
        """End every dial."""
        for dial in self.dials:
            dial.abort()

    def close(self) -> None:
        """End all that was started."""
        self.hang_up()
        for server in self.servers:
            server.close()
        if self.trace:
            self.trace.close()


Step = Callable[[Scene, dict[str, Any]], Awaitable[dict[str, Any]]]
