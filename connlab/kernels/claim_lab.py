"""What a claim is measured in: a server and clients, wherever they are."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from connlab.agent.session import Agent
from connlab.cluster.host import Host

SYSCTL = ("sysctl", "-q", "-w")


class Agents:
    """The agents of a lab's hosts, each kept for the claims that follow: in emulation a start takes a second."""

    def __init__(self) -> None:
        self._idle: dict[int, list[Agent]] = {}

    @contextlib.contextmanager
    def on(self, host: Host) -> Iterator[Agent]:
        """Give an agent of a host, to one at a time; what it holds is closed afterwards, and it ends on an error."""
        idle = self._idle.setdefault(id(host), [])
        agent = idle.pop() if idle else Agent(host)
        try:
            yield agent
            agent.close()
        except BaseException:
            agent.end()
            raise
        idle.append(agent)

    def close(self) -> None:
        """End all of them."""
        for idle in self._idle.values():
            while idle:
                idle.pop().end()


class ClaimLab(NamedTuple):
    """The hosts; `itself` is an agent's host on the server, which dials over loopback.

    `write_sysctls` writes settings of the network, as `name=value`, on one of them.
    """

    server: Host
    itself: Host
    clients: tuple[Host, ...]
    agents: Agents
    write_sysctls: Callable[[Host, Sequence[str]], object]
