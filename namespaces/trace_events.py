"""What a trace event of nf_tables says: its attributes (linux/netfilter/nf_tables.h), the addresses of its packet."""

from __future__ import annotations

import functools
import socket
import struct
from typing import NamedTuple

TABLE, CHAIN, HANDLE, TYPE, VERDICT, ID, NETWORK, TRANSPORT, NFPROTO, POLICY = 1, 2, 3, 4, 5, 6, 8, 9, 15, 16
TYPES = {1: "policy", 2: "return", 3: "rule"}
VERDICTS = {0: "drop", 1: "accept", 2: "stolen", 3: "queue", 4: "repeat",
            0xFFFFFFFF: "continue", 0xFFFFFFFE: "break", 0xFFFFFFFD: "jump", 0xFFFFFFFC: "goto",
            0xFFFFFFFB: "return"}  # fmt: skip
FAMILIES = {1: "inet", 2: "ip", 5: "netdev", 7: "bridge", 10: "ip6"}
ATTRIBUTE = struct.Struct("=HH")  # its length with these, its number


class Event(NamedTuple):
    """One rule that a packet matched, one return, or the policy at the end of a base chain."""

    family: str
    table: str
    chain: str
    handle: int  # 0 for a policy
    kind: str  # of TYPES
    verdict: str  # of VERDICTS


Tuple4 = tuple[str, int, str, int]  # source address and port, destination address and port


def event_of(family: int, said: dict[int, bytes]) -> Event:
    decided = said[POLICY] if VERDICT not in said else said[VERDICT]
    return _event(family, (said[TABLE], said[CHAIN]), said.get(HANDLE, b"\0"), said[TYPE], decided)


@functools.lru_cache(maxsize=4096)
def _event(family: int, names: tuple[bytes, bytes], handle: bytes, kind: bytes, decided: bytes) -> Event:
    """Read an event, most of which come again with each packet; a verdict is in attributes of its own."""
    name = TYPES.get(int.from_bytes(kind, "big"), "?")
    table, chain = map(_word, names)
    code = int.from_bytes(decided if name == "policy" else attributes_in(decided)[1], "big")
    return Event(
        FAMILIES.get(family, str(family)), table, chain, int.from_bytes(handle, "big"), name,
        VERDICTS.get(code, str(code)),
    )  # fmt: skip


def _word(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="replace")


def four_tuple(network: bytes, transport: bytes) -> Tuple4:
    source_port, port = struct.unpack_from(">HH", transport)
    if network[0] >> 4 == 4:
        addresses = [socket.inet_ntop(socket.AF_INET, network[at : at + 4]) for at in (12, 16)]
    else:
        addresses = [socket.inet_ntop(socket.AF_INET6, network[at : at + 16]) for at in (8, 24)]
    return addresses[0], source_port, addresses[1], port


def attributes_in(data: bytes, at: int = 0) -> dict[int, bytes]:
    """Read the attributes of a message from `at` on, each by its number."""
    found = {}
    end = len(data) - 3
    while at < end:
        length, kind = ATTRIBUTE.unpack_from(data, at)
        found[kind & 0x3FFF] = data[at + 4 : at + length]
        at += (length + 3) & ~3
    return found
