"""The way of each traced packet through the rules: nf_tables' trace events, read from netlink (NFNLGRP_NFTRACE).

`nft monitor trace` prints the same; a socket of our own is ready before the first packet, and says so when the kernel
had to drop events (ENOBUFS).
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

from namespaces.netns import Namespace

NETLINK_NETFILTER, SOL_NETLINK, ADD_MEMBERSHIP, NFTRACE = 12, 270, 1, 9  # linux/netlink.h, nfnetlink.h
TRACE = 10 << 8 | 17  # NFNL_SUBSYS_NFTABLES, NFT_MSG_TRACE
TABLE, CHAIN, HANDLE, TYPE, VERDICT, ID, NETWORK, TRANSPORT, NFPROTO, POLICY = 1, 2, 3, 4, 5, 6, 8, 9, 15, 16
TYPES = {1: "policy", 2: "return", 3: "rule"}
VERDICTS = {0: "drop", 1: "accept", 2: "stolen", 3: "queue", 4: "repeat",
            0xFFFFFFFF: "continue", 0xFFFFFFFE: "break", 0xFFFFFFFD: "jump", 0xFFFFFFFC: "goto",
            0xFFFFFFFB: "return"}  # fmt: skip
FAMILIES = {1: "inet", 2: "ip", 5: "netdev", 7: "bridge", 10: "ip6"}
BUFFER = 8 << 20  # bytes
OURS = "connlab_trace"
SYNS = "tcp flags & (fin | syn | rst | ack) == syn meta nftrace set 1"
# Before conntrack (-200) and raw (-300): what they drop is seen too. Output is for what the server dials itself.
RULES = f"""table inet {OURS} {{
  chain in {{ type filter hook prerouting priority -450; {SYNS}; }}
  chain out {{ type filter hook output priority -450; {SYNS}; }}
}}
"""


class Event(NamedTuple):
    """One rule that a packet matched, one return, or the policy at the end of a base chain."""

    family: str
    table: str
    chain: str
    handle: int  # 0 for a policy
    kind: str  # of TYPES
    verdict: str  # of VERDICTS


Tuple4 = tuple[str, int, str, int]  # source address and port, destination address and port


class Trace:
    """The events of one namespace, by packet; `lost` once the kernel dropped some."""

    def __init__(self, namespace: Namespace) -> None:
        self._socket = namespace.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._socket.bind((0, 0))  # who has no number of its own gets no multicast
        self._socket.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, NFTRACE)
        self.lost = False
        self.packets: dict[Tuple4, list[list[Event]]] = {}
        self._by_id: dict[int, list[Event]] = {}
        asyncio.get_running_loop().add_reader(self._socket, self.read)

    def read(self) -> None:
        """Take what the kernel has for us by now."""
        while True:
            try:
                data = self._socket.recv(1 << 18)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self.lost = True
                continue
            for family, attributes in _messages(data):
                self._add(family, attributes)

    def close(self) -> None:
        """Take the rest and stop."""
        self.read()
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _add(self, family: int, attributes: dict[int, bytes]) -> None:
        number = struct.unpack(">I", attributes[ID])[0]
        if NETWORK in attributes and TRANSPORT in attributes:
            four = _four_tuple(attributes[NETWORK], attributes[TRANSPORT])
            known = self.packets.setdefault(four, [])
            # A packet's headers come with the first event of each base chain: it goes on if the id is the same.
            if not known or self._by_id.get(number) is not known[-1]:
                known.append([])
            self._by_id[number] = known[-1]
        event = _event(family, attributes)
        if number in self._by_id and event.table != OURS:
            self._by_id[number].append(event)


def _event(family: int, attributes: dict[int, bytes]) -> Event:
    kind = TYPES.get(struct.unpack(">I", attributes[TYPE])[0], "?")
    handle = struct.unpack(">Q", attributes[HANDLE])[0] if HANDLE in attributes else 0
    if kind == "policy":
        code = struct.unpack(">I", attributes[POLICY])[0]
    else:
        code = struct.unpack(">I", dict(attributes_in(attributes[VERDICT]))[1])[0]
    names = (attributes[name].rstrip(b"\0").decode(errors="replace") for name in (TABLE, CHAIN))
    table, chain = names
    return Event(FAMILIES.get(family, str(family)), table, chain, handle, kind, VERDICTS.get(code, str(code)))


def _four_tuple(network: bytes, transport: bytes) -> Tuple4:
    source_port, port = struct.unpack_from(">HH", transport)
    if network[0] >> 4 == 4:
        addresses = [socket.inet_ntop(socket.AF_INET, network[at : at + 4]) for at in (12, 16)]
    else:
        addresses = [socket.inet_ntop(socket.AF_INET6, network[at : at + 16]) for at in (8, 24)]
    return addresses[0], source_port, addresses[1], port


def _messages(data: bytes) -> Iterator[tuple[int, dict[int, bytes]]]:
    at = 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        if kind == TRACE:
            yield data[at + 16], dict(attributes_in(data[at + 20 : at + length]))
        at += (length + 3) & ~3


def attributes_in(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        yield kind & 0x3FFF, data[at + 4 : at + length]
        at += (length + 3) & ~3
