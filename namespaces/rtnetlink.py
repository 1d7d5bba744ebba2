"""Links, addresses, neighbours and routes of a namespace, as messages to its kernel (rtnetlink(7)).

The program ip makes the same; a process of it for each host would cost five times as much processor time.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Sequence
from typing import NamedTuple

from namespaces.netns import CommandFailed, Namespace

REQUEST, ACK, REPLACE, EXCL, CREATE = 0x1, 0x4, 0x100, 0x200, 0x400  # linux/netlink.h
# linux/rtnetlink.h
NEWLINK, GETLINK, NEWADDR, NEWROUTE, GETROUTE, NEWNEIGH, GETNEIGH, ERROR = 16, 18, 20, 24, 26, 28, 30, 2
IFLA_ADDRESS, IFLA_IFNAME, IFLA_LINKINFO, IFLA_AF_SPEC, IFLA_NET_NS_FD = 1, 3, 18, 26, 28  # linux/if_link.h
INFO_KIND, INFO_DATA, VETH_PEER, ADDR_GEN_MODE, NO_ADDRESS = 1, 2, 1, 8, b"\1"
IFA_ADDRESS, IFA_LOCAL, NODAD = 1, 2, 2  # linux/if_addr.h
NDA_DST, NDA_LLADDR, PERMANENT, USE = 1, 2, 0x80, 1  # linux/neighbour.h
NEIGHBOUR = struct.Struct("=BxxxiHBB")  # family, link, state, flags, type
RTA_DST, RTA_OIF, RTA_GATEWAY = 1, 4, 5
MAIN, LOCAL, BOOT, ONLINK = 254, 255, 3, 4  # tables, RTPROT_BOOT, RTNH_F_ONLINK
UNICAST, TO_US, LINK, HOST = 1, 2, 253, 254  # types and scopes of routes
ROUTE = struct.Struct("=BBBBBBBBI")  # family, lengths, TOS, table, protocol, scope, type, flags
UP = 1
LINK_HEADER, HEADER = struct.Struct("=BxHiII"), struct.Struct("=IHHII")
AT_ONCE = 50  # messages whose answers fit into any buffer


class Message(NamedTuple):
    """What is asked for, in the words of the program ip."""

    words: str
    kind: int
    flags: int
    body: bytes


def veth(name: str, mac: str, other_mac: str, other: Namespace) -> Message:
    """Make a link whose other end, of the same name, is in another namespace."""
    peer = LINK_HEADER.pack(0, 0, 0, 0, 0) + _named(name, other_mac)
    peer += _attribute(IFLA_NET_NS_FD, struct.pack("=I", other.descriptor))
    info = _attribute(INFO_KIND, b"veth") + _attribute(INFO_DATA, _attribute(VETH_PEER, peer))
    body = LINK_HEADER.pack(0, 0, 0, 0, 0) + _named(name, mac) + _attribute(IFLA_LINKINFO, info)
    return Message(f"link add {name} type veth", NEWLINK, CREATE | EXCL, body)


def up(index: int) -> list[Message]:
    """Bring a link up, without an address that it gives itself."""
    mode = _attribute(IFLA_AF_SPEC, _attribute(socket.AF_INET6, _attribute(ADDR_GEN_MODE, NO_ADDRESS)))
    return [
        Message("link set addrgenmode none", NEWLINK, 0, LINK_HEADER.pack(0, 0, index, 0, 0) + mode),
        loopback_up(index),
    ]


def loopback_up(index: int = 1) -> Message:
    """Bring a link up as it is."""
    return Message("link set up", NEWLINK, 0, LINK_HEADER.pack(0, 0, index, UP, UP))


def ready(index: int) -> Message:
    """Look at a link: until the kernel has noticed that its other end is up it would send nothing (linkwatch)."""
    return Message("link show", GETLINK, 0, LINK_HEADER.pack(0, 0, index, 0, 0))


def address(words: str, index: int) -> Message:
    """Give a link an address, which nobody else is asked about."""
    family, packed = _packed(words)
    body = struct.pack("=BBBBI", family, len(packed) * 8, NODAD if family == socket.AF_INET6 else 0, 0, index)
    body += _attribute(IFA_LOCAL, packed) + _attribute(IFA_ADDRESS, packed)
    return Message(f"addr add {words}", NEWADDR, CREATE | EXCL, body)


def neighbour(words: str, mac: str, index: int) -> Message:
    """Tell for good who has an address."""
    family, packed = _packed(words)
    body = NEIGHBOUR.pack(family, index, PERMANENT, 0, 0)
    body += _attribute(NDA_DST, packed) + _attribute(NDA_LLADDR, _mac(mac))
    return Message(f"neigh replace {words}", NEWNEIGH, CREATE | REPLACE, body)


def ask_for(words: str, index: int) -> Message:
    """Have the kernel ask who has an address, as it does for a packet that is to go there."""
    family, packed = _packed(words)
    body = NEIGHBOUR.pack(family, index, 0, USE, 0) + _attribute(NDA_DST, packed)
    return Message(f"neigh use {words}", NEWNEIGH, CREATE | REPLACE, body)


def state_of(namespace: Namespace, words: str, index: int) -> int:
    """Return what the kernel knows of a neighbour, as NUD_* of linux/neighbour.h; 0 (NUD_NONE) if it has no entry.

    Raises `CommandFailed`.
    """
    family, packed = _packed(words)
    body = NEIGHBOUR.pack(family, index, 0, 0, 0) + _attribute(NDA_DST, packed)
    entry = _ask(namespace, Message(f"neigh get {words}", GETNEIGH, 0, body), none=(errno.ENOENT,))
    return int(NEIGHBOUR.unpack_from(entry)[2]) if entry else 0


def is_local(namespace: Namespace, words: str, index: int) -> bool:
    """Tell whether packets to an address of a link are delivered here, by its route of type local.

    An address of IPv6 is given that route a moment later, by a worker of the kernel's (docs/kernel.md O11). Raises
    `CommandFailed`.
    """
    family, packed = _packed(words)
    body = ROUTE.pack(family, len(packed) * 8, 0, 0, 0, 0, 0, 0, 0) + _attribute(RTA_DST, packed)
    body += _attribute(RTA_OIF, struct.pack("=i", index))
    unreachable = errno.ENETUNREACH, errno.EHOSTUNREACH
    route = _ask(namespace, Message(f"route get {words}", GETROUTE, 0, body), none=unreachable)
    return bool(route) and int(ROUTE.unpack_from(route)[7]) == TO_US


def gateway(words: str, index: int, net: str = "") -> Message:
    """Send what is for a net, or for all others, to a neighbour; it need not be of the link's own net."""
    family, packed = _packed(words)
    return _route(
        net or "default", family, index, (MAIN, 0, UNICAST, ONLINK), _attribute(RTA_GATEWAY, packed)
    )


def behind(net: str, index: int) -> Message:
    """Find a net on a link."""
    return _route(net, 0, index, (MAIN, LINK, UNICAST, 0))


def own(net: str) -> Message:
    """Have every address of a net (AnyIP)."""
    return _route(net, 0, 1, (LOCAL, HOST, TO_US, 0))


def tell(namespace: Namespace, messages: Sequence[Message]) -> None:
    """Have the kernel do all, in order. Raises `CommandFailed` for the first that it refuses."""
    with namespace.entered(), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        for first in range(0, len(messages), AT_ONCE):
            some = messages[first : first + AT_ONCE]
            sock.sendto(b"".join(_packet(each) for each in some), (0, 0))
            for each in some:
                if error := _answer(sock.recv(1 << 13)):
                    raise CommandFailed(f"{each.words}: {os.strerror(error)}")


def _ask(namespace: Namespace, message: Message, none: Sequence[int]) -> bytes:
    """Return what the kernel has of one thing; nothing if it answers with an error of `none`.

    Raises `CommandFailed` for any other error.
    """
    with namespace.entered(), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        sock.sendto(_packet(message), (0, 0))
        data = sock.recv(1 << 13)
    if (error := _answer(data)) in none:
        return b""
    if error:
        raise CommandFailed(f"{message.words}: {os.strerror(error)}")
    return data[HEADER.size :]


def _answer(data: bytes) -> int:
    """Return the error of an answer; 0 for none."""
    kind, code = struct.unpack_from("=4xH10xi", data)
    return -code if kind == ERROR else 0


def _packet(message: Message) -> bytes:
    flags = (
        REQUEST | message.flags | (0 if message.kind in (GETLINK, GETNEIGH, GETROUTE) else ACK)
    )  # one answer to each
    header = HEADER.pack(HEADER.size + len(message.body), message.kind, flags, 0, 0)
    return header + message.body


def _route(net: str, family: int, index: int, kind: tuple[int, int, int, int], more: bytes = b"") -> Message:
    table, scope, of_kind, flags = kind
    length = 0
    if net != "default":
        found = ipaddress.ip_network(net)
        family, packed = _packed(str(found.network_address))
        length, more = found.prefixlen, _attribute(RTA_DST, packed) + more
    body = ROUTE.pack(family, length, 0, 0, table, BOOT, scope, of_kind, flags)
    body += more + _attribute(RTA_OIF, struct.pack("=i", index))
    return Message(f"route add {net}", NEWROUTE, CREATE | EXCL, body)


def _named(name: str, mac: str) -> bytes:
    return _attribute(IFLA_IFNAME, name.encode() + b"\0") + _attribute(IFLA_ADDRESS, _mac(mac))


def _attribute(number: int, value: bytes) -> bytes:
    return struct.pack("=HH", len(value) + 4, number) + value + bytes(-len(value) % 4)


def _mac(words: str) -> bytes:
    return bytes.fromhex(words.replace(":", ""))


def _packed(words: str) -> tuple[int, bytes]:
    family = socket.AF_INET6 if ":" in words else socket.AF_INET
    return family, socket.inet_pton(family, words)
