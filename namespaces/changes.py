"""What changes in a namespace's rules, as the kernel announces it (NFNLGRP_NFTABLES): new rules, policies.

`nft monitor` prints the same. Whoever reads between two calls of a tool knows what the first one made.
"""

from __future__ import annotations

import errno
import socket
import struct
from typing import NamedTuple

from namespaces.netns import Namespace
from namespaces.trace import ADD_MEMBERSHIP, BUFFER, NETLINK_NETFILTER, SOL_NETLINK
from namespaces.trace_events import FAMILIES, attributes_in

NFTABLES = 7  # group, linux/netfilter/nfnetlink.h
SUBSYSTEM = 10  # NFNL_SUBSYS_NFTABLES
KINDS = {3: "chain", 6: "rule"}  # NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE
# linux/netfilter/nf_tables.h: NFTA_RULE_* and NFTA_CHAIN_*
RULE_TABLE, RULE_CHAIN, RULE_HANDLE = 1, 2, 3
CHAIN_TABLE, CHAIN_NAME, CHAIN_POLICY = 1, 3, 5
POLICIES = {0: "drop", 1: "accept"}


class Change(NamedTuple):
    """A new rule with its handle, or a chain with its policy ("" if it has none)."""

    kind: str  # of KINDS
    chain: tuple[str, str, str]  # family, table, name
    handle: int
    policy: str


class Changes:
    """The changes of one namespace since the last look."""

    def __init__(self, namespace: Namespace) -> None:
        self._socket = namespace.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._socket.bind((0, 0))
        self._socket.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, NFTABLES)
        self.lost = False

    def read(self) -> list[Change]:
        """Return what came since the last call; sets `lost` if the kernel dropped some."""
        found: list[Change] = []
        while True:
            try:
                data = self._socket.recv(1 << 18)
            except BlockingIOError:
                return found
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self.lost = True
                continue
            found += changes(data)

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


def changes(data: bytes) -> list[Change]:
    """Read the messages of one datagram; what is deleted or is no rule and no chain is left out."""
    found = []
    at = 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        if kind >> 8 == SUBSYSTEM and kind & 0xFF in KINDS:
            family = FAMILIES.get(data[at + 16], str(data[at + 16]))
            found.append(_change(KINDS[kind & 0xFF], family, attributes_in(data[at + 20 : at + length])))
        at += (length + 3) & ~3
    return found


def _change(kind: str, family: str, said: dict[int, bytes]) -> Change:
    if kind == "rule":
        handle = struct.unpack(">Q", said[RULE_HANDLE])[0]
        return Change(kind, (family, _word(said[RULE_TABLE]), _word(said[RULE_CHAIN])), handle, "")
    policy = POLICIES.get(struct.unpack(">I", said[CHAIN_POLICY])[0], "") if CHAIN_POLICY in said else ""
    return Change(kind, (family, _word(said[CHAIN_TABLE]), _word(said[CHAIN_NAME])), 0, policy)


def _word(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="replace")
