"""NFLOG: the kernel's report of each packet that a `-j NFLOG` rule saw, over netlink.

`-j LOG` would write to the machine's kernel log, and from a container not even there; NFLOG belongs
to the network namespace. Opening a group needs CAP_NET_ADMIN, reading it needs nothing: the socket
is opened before the privileges are dropped and outlives them.
Sources: linux/netfilter/nfnetlink_log.h, netlink(7), net/netfilter/nfnetlink_log.c.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterator

from connlab.machine.named_tuple import NamedTuple

NETLINK_NETFILTER = 12
NLM_F_REQUEST, NLM_F_ACK = 1, 4
MSG_PACKET, MSG_CONFIG = 4 << 8 | 0, 4 << 8 | 1
CFG_CMD, CFG_MODE, CFG_QTHRESH, CFG_FLAGS = 1, 2, 5, 6
CMD_BIND, COPY_PACKET, FLAG_SEQUENCE = 1, 2, 1
PAYLOAD, SEQUENCE = 9, 12
SO_RCVBUFFORCE = 33
SO_MEMINFO, MEMINFO_WORDS, DROPS = 55, 9, 8  # linux/sock_diag.h
HEADERS = 128  # bytes of a packet that are wanted: IPv4 or IPv6 header and TCP header
BUFFER = 4 << 20  # bytes of reports that may wait, some 10,000 refusals


class Refusal(NamedTuple):
    """One RST that the policy sent: where it goes is where the refused SYN came from."""

    source: str
    source_port: int
    sequence: int


class Overrun(Exception):
    """The socket's buffer was full and the kernel dropped reports (ENOBUFS, netlink(7))."""


def subscribe(group: int) -> socket.socket:
    """Open a socket that receives the packets of NFLOG `group`, each at once, numbered.

    A threshold of 1, because the kernel else keeps reports for up to a second to batch them. To be called
    before a rule reports to the group: each option waits for its acknowledgement, the next datagram.
    Raises OSError: EPERM without CAP_NET_ADMIN, EBUSY if somebody else has the group, or a group that is none.
    """
    if not 0 <= group <= 0xFFFF:  # res_id of nfgenmsg is 16 bits (linux/netfilter/nfnetlink.h)
        raise OSError(f"--nflog-group {group}: NFLOG groups are 0 to 65535")
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    for attribute, value in (
        (CFG_CMD, struct.pack("B", CMD_BIND)),
        (CFG_MODE, struct.pack(">IBx", HEADERS, COPY_PACKET)),
        (CFG_QTHRESH, struct.pack(">I", 1)),
        (CFG_FLAGS, struct.pack(">H", FLAG_SEQUENCE)),
    ):
        _configure(sock, group, attribute, value)
    return sock


def refusals(sock: socket.socket) -> list[Refusal]:
    """Return every refusal in the next datagram.

    Raises `Overrun`, or BlockingIOError if there is none and `sock` must not wait.
    """
    try:
        datagram = sock.recv(1 << 16)
    except OSError as error:
        if error.errno == errno.ENOBUFS:
            raise Overrun from None
        raise
    return list(parse(datagram))


def dropped(sock: socket.socket) -> int:
    """Return how many reports the kernel dropped for want of room in this socket, since it was made (modulo 2**32).

    `netlink_overrun` counts each (net/netlink/af_netlink.c), and any user may read the count of its own socket.
    """
    words = struct.unpack("=9I", sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 4 * MEMINFO_WORDS))
    return int(words[DROPS])


def parse(datagram: bytes) -> Iterator[Refusal]:
    """Return the refusals of one datagram, which may be several netlink messages; what is cut short is no refusal."""
    for kind, body in _records(datagram, "=IH", 16):
        attributes = dict(_records(body[4:], "=HH", 4)) if kind == MSG_PACKET else {}
        if refusal := _refusal(attributes.get(PAYLOAD, b""), attributes.get(SEQUENCE, b"")):
            yield refusal


def _refusal(packet: bytes, sequence: bytes) -> Refusal | None:
    if packet[:1] and packet[0] >> 4 == 4:
        family, address, tcp = socket.AF_INET, packet[16:20], packet[(packet[0] & 15) * 4 :]
    else:
        family, address, tcp = socket.AF_INET6, packet[24:40], packet[40:]
    if len(address) not in (4, 16) or len(tcp) < 4 or len(sequence) != 4:
        return None
    source_port = int.from_bytes(tcp[2:4], "big")
    return Refusal(socket.inet_ntop(family, address), source_port, int.from_bytes(sequence, "big"))


def _records(data: bytes, head: str, size: int) -> Iterator[tuple[int, bytes]]:
    """Return (kind, body) of each message or attribute: both are length, kind, body, aligned to 4 (netlink(7))."""
    while len(data) >= size:
        length, kind = struct.unpack_from(head, data)
        if not size <= length <= len(data):
            return
        yield kind, data[size:length]
        data = data[_aligned(length) :]


def _configure(sock: socket.socket, group: int, attribute: int, value: bytes) -> None:
    body = struct.pack(">BBH", socket.AF_UNSPEC, 0, group)
    body += struct.pack("=HH", 4 + len(value), attribute) + value.ljust(_aligned(len(value)), b"\0")
    sock.send(struct.pack("=IHHII", 16 + len(body), MSG_CONFIG, NLM_F_REQUEST | NLM_F_ACK, 1, 0) + body)
    code = -struct.unpack_from("=i", sock.recv(1 << 16), 16)[0]
    if code:
        raise OSError(code, f"NFLOG group {group}: {errno.errorcode.get(code, code)}")


def _aligned(length: int) -> int:
    return (length + 3) & ~3
