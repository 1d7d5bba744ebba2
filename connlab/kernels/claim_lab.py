"""What a claim is measured in: a server and clients, wherever they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from connlab.agent.idle import IdleAgents
from connlab.cluster.host import Host

SYSCTL = ("sysctl", "-q", "-w")


class ClaimLab(NamedTuple):
    """The hosts; `itself` is an agent's host on the server, which dials over loopback.

    `write_sysctls` writes settings of the network, as `name=value`, on one of them.
    """

    server: Host
    itself: Host
    clients: tuple[Host, ...]
    agents: IdleAgents
    write_sysctls: Callable[[Host, Sequence[str]], object]
