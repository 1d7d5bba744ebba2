"""The way of each traced packet through the rules: nf_tables' trace events, read from netlink (NFNLGRP_NFTRACE).

`nft monitor trace` prints the same; a socket of our own is ready before the first packet, and says so when the kernel
had to drop events (ENOBUFS).
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct

from namespaces import trace_filter
from namespaces.netns import Namespace
from namespaces.trace_events import ID, NETWORK, TRANSPORT, Event, Tuple4, attributes_in, event_of, four_tuple

NETLINK_NETFILTER, SOL_NETLINK, ADD_MEMBERSHIP, NFTRACE = 12, 270, 1, 9  # linux/netlink.h, nfnetlink.h
TRACE = struct.pack("=H", 10 << 8 | 17)  # NFNL_SUBSYS_NFTABLES, NFT_MSG_TRACE
BUFFER, MOST = 8 << 20, 1 << 12  # bytes; an event has less than 600
OURS = "connlab_trace"
FIN, SYN, RST, ACK = 1, 2, 4, 16
# A packet begins its way in one of these, in this order where it passes several, as over loopback; before conntrack
# (-200), raw (-300) and what rules of netdev use (-500), so that what those drop is seen too. A SYN and the answer to
# it are followed, all of them counted; of other packets as many as show which rules they match.
STARTS = {"out": 0, "ingress": 1, "in": 2}
ENDS = ("arrived", "left")  # who comes here was dropped by no rule: at a socket, on the wire
SYNS = "tcp flags & (fin | syn | rst) == syn"
# Each ends its chain there: a policy behind it would be one more event.
FOLLOW = (
    f"{SYNS} counter meta nftrace set 1 accept; "
    "tcp flags & syn == 0 limit rate 20/second burst 60 packets meta nftrace set 1 accept;"
)
RULES = f"""table inet {OURS} {{
  chain in {{ type filter hook prerouting priority -450; {FOLLOW} }}
  chain out {{ type filter hook output priority -450; {FOLLOW} }}
  chain arrived {{ type filter hook input priority 1000; {SYNS} accept; }}
  chain left {{ type filter hook postrouting priority 1000; {SYNS} accept; }}
}}
"""
INGRESS = f"""table netdev {OURS} {{
  chain ingress {{ type filter hook ingress devices = {{ %s }} priority -100000; {FOLLOW} }}
}}
"""


Paths = dict[Tuple4, list[list[Event]]]


class Trace:
    """The ways of SYNs and of the answers to them, by their addresses where they began; `lost` once some are missing.

    `sample` has events of other packets, all in one.
    """

    def __init__(self, namespace: Namespace) -> None:
        self._socket = namespace.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._socket.bind((0, 0))  # who has no number of its own gets no multicast
        trace_filter.attach(self._socket, trace_filter.program(OURS))
        self._socket.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, NFTRACE)
        self.lost = False
        self.started = dict.fromkeys(STARTS, 0)
        self.syns: Paths = {}
        self.answers: Paths = {}
        self.sample: list[Event] = []
        self._last_start: dict[int, int] = {}  # by path (id of the list): how far it had begun
        self._by_id: dict[int, list[Event]] = {}
        asyncio.get_running_loop().add_reader(self._socket, self.read)

    def read(self) -> None:
        """Take what the kernel has for us by now."""
        while True:
            try:
                data = self._socket.recv(MOST)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self.lost = True
                continue
            if data[4:6] == TRACE:
                attributes = attributes_in(data, 20)
                self.add(event_of(data[16], attributes), attributes)

    def close(self) -> None:
        """Take the rest and stop."""
        self.read()
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def add(self, event: Event, attributes: dict[int, bytes]) -> None:
        """Put an event where it belongs.

        The kernel's id of a packet comes again soon, with a repeated SYN too; addresses change on the way (NAT). So a
        way begins with an event of our own first chain, whose headers tell whose it is.
        """
        number = struct.unpack(">I", attributes[ID])[0]
        at_end = event.kind == "rule" and event.handle == 0  # of a chain: no rule of anybody's
        if at_end or (event.kind != "rule" and event.table == OURS):
            return
        if event.table == OURS and event.chain in STARTS:
            self._by_id[number] = self._begin(
                STARTS[event.chain], event.chain, attributes[NETWORK], attributes[TRANSPORT]
            )
        elif number in self._by_id and (event.table != OURS or event.chain in ENDS):
            self._by_id[number].append(event)

    def _begin(self, rank: int, chain: str, network: bytes, transport: bytes) -> list[Event]:
        flags = transport[13] & (FIN | SYN | RST | ACK)
        if flags not in (SYN, SYN | ACK):
            return self.sample
        self.started[chain] += 1
        paths = self.syns if flags == SYN else self.answers
        known = paths.setdefault(four_tuple(network, transport), [])
        if not known or self._last_start[id(known[-1])] >= rank:
            known.append([])
        self._last_start[id(known[-1])] = rank
        return known[-1]
