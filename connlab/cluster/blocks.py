"""Blocks of source addresses: what each client host of a dense lab has, and the network that has them all. Arithmetic.

198.18.0.0/21   the network: 1,024 addresses for hosts, which the engine hands out, then a block for each client
198.18.4.0/24   client-1        198.18.5.0/24   client-2        ...
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

POOL = IPv4Network("198.18.0.0/15")  # of nobody: for measurements of network devices (RFC 2544 C.2.2)
HOSTS = 1024  # addresses for hosts, of which a bridge carries 1,000
ROOM = 32  # clients that a new network has room for, if so much is free


@dataclass(frozen=True)
class Blocks:
    """The network of a dense lab, and how many source addresses each of its clients has: a power of two."""

    network: IPv4Network
    sources: int

    @property
    def hosts(self) -> IPv4Network:
        """The part of the network that the engine hands out."""
        return IPv4Network((self.network.network_address, 32 - _bits(HOSTS)))

    @property
    def clients(self) -> int:
        """How many clients the network has a block for."""
        return (self.network.num_addresses - HOSTS) // self.sources

    def of(self, number: int) -> IPv4Network:
        """Return the block of client `number`, which is 1 for the first."""
        first = int(self.network.network_address) + HOSTS + (number - 1) * self.sources
        return IPv4Network((first, 32 - _bits(self.sources)))

    def owner(self, address: str) -> int | None:
        """Return the number of the client whose block has this address; None if it is in none."""
        offset = int(IPv4Address(address)) - int(self.network.network_address) - HOSTS
        return offset // self.sources + 1 if 0 <= offset < self.clients * self.sources else None


def most_clients(sources: int) -> int:
    """Return how many clients with so many sources the whole pool has room for."""
    return (POOL.num_addresses - HOSTS) // sources


def choose(taken: Iterable[IPv4Network], clients: int, sources: int) -> IPv4Network | None:
    """Choose a free network for so many clients, with room for ROOM if there is; None if none is free."""
    others = [network for network in taken if network.overlaps(POOL)]
    for room in (max(clients, min(ROOM, most_clients(sources))), clients):
        length = 32 - _bits(HOSTS + room * sources)
        if length < POOL.prefixlen:
            return None
        for candidate in POOL.subnets(new_prefix=length):
            if not any(candidate.overlaps(other) for other in others):
                return candidate
    return None


def _bits(addresses: int) -> int:
    """Return the bits that so many addresses need: 8 for 256, 9 for 257."""
    return (addresses - 1).bit_length()
