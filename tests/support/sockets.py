"""The TCP sockets that a host's kernel has, read by the lab's own parser of ss(8)."""

from __future__ import annotations

from connlab.cluster.host import Host
from connlab.kernel import snapshot
from connlab.kernel.tables import Socket, parse_sockets


def tcp_sockets(host: Host, port: int, *states: str) -> list[Socket]:
    """List a host's TCP sockets with this local port, in these states of ss(8) or in any."""
    every = parse_sockets(host.run(snapshot.SOCKETS))
    return [each for each in every if each.local_port == port and (not states or each.state in states)]


def peer_ports(host: Host, port: int) -> set[int]:
    """Return the peers' ports of a host's established connections with this local port."""
    return {socket.peer_port for socket in established(host, port)}


def established(host: Host, port: int) -> list[Socket]:
    """List a host's established connections with this local port, those that nobody has accepted yet included."""
    return tcp_sockets(host, port, "ESTAB")
