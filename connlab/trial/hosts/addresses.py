"""Where dials come from and go to: a first source, neighbours that share a prefix with it, an address of the server."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from connlab.trial.rules.named_nets import NO_SOURCE

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Of nets for benchmarks and for documents (RFC 2544, 5737, 3849): what no rule means by chance.
SOURCES = {
    4: ["198.18.85.170", "203.0.113.85", "192.0.2.85"],
    6: ["2001:db8:5555:5555:5555:5555:5555:5555", "2001:db9:5555:5555::5"],
}
TARGETS = {4: "198.51.100.10", 6: "2001:db8:51:100::10"}
PREFIXES = {4: range(31, -1, -1), 6: (127, *range(124, -1, -4))}


def first_source(family: int, nets: Sequence[str], net: str = "any") -> str:
    """Choose the first source: inside `net`, or outside of every net that the rules name."""
    if net != "any":
        return str(inside(net))
    named = [each for each in map(ipaddress.ip_network, nets) if each.version == family]
    others = [f"{first}.85.85.170" if family == 4 else f"2{first:03d}:5555::5" for first in range(1, 224)]
    for candidate in [*SOURCES[family], *others]:
        address = ipaddress.ip_address(candidate)
        if not any(address in each for each in [*named, *NO_SOURCE] if each.version == family):
            return candidate
    return SOURCES[family][0]


def neighbour(source: str, prefix: int, net: str = "any") -> str | None:
    """Return an address that shares `prefix` bits with the source, not the next, and not all lower ones.

    None if there is no such address that may be dialled from, or none inside the net of the row.
    """
    address = ipaddress.ip_address(source)
    width = address.max_prefixlen
    host = width - prefix
    flipped = int(address) ^ (1 << (host - 1))
    if host > 2:
        flipped ^= 0b11 if host > 4 else 0b10
    other = ipaddress.ip_address(flipped) if width == 32 else ipaddress.IPv6Address(flipped)
    if any(other.version == bad.version and other in bad for bad in NO_SOURCE):
        return None
    if net != "any" and other not in ipaddress.ip_network(net):
        return None
    return str(other)


def neighbours(source: str, net: str = "any", others: Sequence[str] = ()) -> dict[int, str]:
    """Return a neighbour for each prefix length that can be told apart, the nearest first.

    None is in one of the `others`, nets that the rules treat in another way.
    """
    family = ipaddress.ip_address(source).version
    elsewhere = [ipaddress.ip_network(each) for each in others if each != net]
    return {
        prefix: address
        for prefix in PREFIXES[family]
        if (address := neighbour(source, prefix, net))
        and not any(ipaddress.ip_address(address) in each for each in elsewhere)
    }


def net_of(source: str, prefix: int) -> str:
    """Return the net of a source, `198.18.85.0/24`."""
    return str(ipaddress.ip_network(f"{source}/{prefix}", strict=False))


def inside(net: str) -> Address:
    """Choose an address of a net whose lower bits are neither all 0 nor all 1."""
    found = ipaddress.ip_network(net)
    host = found.max_prefixlen - found.prefixlen
    pattern = int("55" * (found.max_prefixlen // 8), 16) & ((1 << host) - 1)
    return found[0] + pattern if host else found[0]
