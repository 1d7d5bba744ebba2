"""The filter of a trace's events, run by the kernel on messages that another socket sends."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest

from namespaces import trace_filter
from namespaces.trace import OURS
from namespaces.trace_events import CHAIN, HANDLE, ID, POLICY, TABLE, TYPE, VERDICT

POLICY_KIND, RETURN, RULE = 1, 2, 3  # linux/netfilter/nf_tables.h
ACCEPT = struct.pack("=HH4sHHI", 12, VERDICT | 0x8000, b"\x08\0\1\0", 0, 0, 0)


def attribute(number: int, value: bytes) -> bytes:
    """Return an attribute of a message."""
    return struct.pack("=HH", len(value) + 4, number) + value + bytes(-len(value) % 4)


def event(kind: int, table: str, handle: int = 0) -> bytes:
    """Return an event as the kernel sends it; without a handle it has none."""
    found = attribute(TYPE, struct.pack(">I", kind)) + attribute(ID, b"\4\0\3\0")
    found += attribute(CHAIN, b"in\0") + attribute(TABLE, table.encode() + b"\0")
    if handle:
        found += attribute(HANDLE, struct.pack(">Q", handle))
    found += attribute(POLICY, struct.pack(">I", 1)) if kind == POLICY_KIND else ACCEPT
    return struct.pack("=IHHIIBBH", 20 + len(found), 0xA11, 0, 0, 0, 2, 0, 0) + found


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Join two sockets, of which the second has the filter of a trace."""
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with sender, receiver:
        trace_filter.attach(receiver, trace_filter.program(OURS))
        receiver.setblocking(False)
        yield sender, receiver


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        (event(RULE, "filter", 4), True), (event(RULE, OURS, 4), True), (event(RULE, "f", 1 << 40), True),
        (event(RULE, "filter"), False), (event(RULE, OURS), False),
        (event(POLICY_KIND, "filter"), True), (event(RETURN, "filter"), True), (event(POLICY_KIND, "f"), True),
        (event(POLICY_KIND, OURS), False), (event(RETURN, OURS), False),
        (event(POLICY_KIND, "conn"), True), (event(POLICY_KIND, "connlab_track"), True),
    ],
)  # fmt: skip
def test_what_says_nothing_stays_with_the_kernel(pair, message, kept):
    """Ends of chains, which are rules without a handle, and what our own chains decide; the last one is a control."""
    sender, receiver = pair
    sender.send(message)
    sender.send(event(RULE, "filter", 99))
    assert (receiver.recv(4096) == message) is kept
