"""From where to where a dial goes, and a socket that is bound there."""

from __future__ import annotations

import errno
import socket
from typing import NamedTuple

BIND_ADDRESS_NO_PORT = 24  # linux/in.h
FREEBIND: dict[int, tuple[int, int]] = {
    socket.AF_INET: (socket.IPPROTO_IP, 15),
    socket.AF_INET6: (socket.IPPROTO_IPV6, 78),
}  # linux/in.h, in6.h


class Route(NamedTuple):
    """From which address and port to which; no source, or port 0: the kernel's choice."""

    source: str
    target: str
    port: int
    source_port: int = 0

    @property
    def family(self) -> int:
        """Return the address family of the target."""
        return socket.AF_INET6 if ":" in self.target else socket.AF_INET


def bind(sock: socket.socket, route: Route) -> None:
    """Bind to where a route begins; a range of local ports that are all in use is connect(2)'s to be told of."""
    if not route.source:
        return
    sock.setsockopt(*FREEBIND[route.family], 1)
    try:
        sock.bind((route.source, route.source_port))
    except OSError as error:
        if error.errno != errno.EADDRINUSE or route.source_port:
            raise
        sock.setsockopt(socket.IPPROTO_IP, BIND_ADDRESS_NO_PORT, 1)
        sock.bind((route.source, 0))
