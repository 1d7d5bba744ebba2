"""NFLOG: the kernel's reports of refusals, as it sends them and as nobody should.

data/nflog.json was recorded from Linux 6.18 with the server's own subscription and rules: three dials
refused over IPv4, one over IPv6 (all from loopback), and five in one datagram, with the kernel's default
threshold. The ports are those that the refused dials were bound to.
"""

from __future__ import annotations

import errno
import socket
import struct
from types import SimpleNamespace

import pytest

from server import nflog
from server.nflog import Refusal
from tests.unit.server.reports import REPORTS

DONE = struct.pack("=IHHII", 20, 3, 0, 0, 0) + struct.pack(">BBH", 0, 0, 5)  # NLMSG_DONE ends a batch


def attribute(kind: int, value: bytes) -> bytes:
    """Build a struct nlattr: length and kind in the host's order, padded to four bytes."""
    data = struct.pack("=HH", 4 + len(value), kind) + value
    return data + b"\0" * (-len(data) % 4)


def message(packet: bytes, sequence: int, kind: int = 4 << 8) -> bytes:
    """Build a message: struct nlmsghdr, struct nfgenmsg, and attributes (header, prefix, payload, sequence)."""
    body = struct.pack(">BBH", socket.AF_INET, 0, 5)
    body += attribute(1, b"\x08\x00\x03\0") + attribute(10, b"refused\0")
    body += attribute(9, packet) + attribute(12, struct.pack(">I", sequence))
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def rst4(target: str, port: int, options: int = 0) -> bytes:
    """Build the RST that refuses: an IPv4 header (RFC 791) with `options` words of options, and a TCP header."""
    words = 5 + options
    ip = struct.pack(">BBHHHBBH4s4s", 4 << 4 | words, 0, words * 4 + 20, 0, 0, 64, 6, 0,
                     socket.inet_aton("172.18.0.2"), socket.inet_aton(target))  # fmt: skip
    return ip + b"\1" * options * 4 + struct.pack(">HHIIBBHHH", 12345, port, 0, 1, 5 << 4, 0x14, 0, 0, 0)


def rst6(target: str, port: int) -> bytes:
    """Build the same over IPv6 (RFC 8200): a header of 40 bytes."""
    ip = struct.pack(">IHBB", 6 << 28, 20, 6, 64)
    ip += socket.inet_pton(socket.AF_INET6, "fd00::2") + socket.inet_pton(socket.AF_INET6, target)
    return ip + struct.pack(">HHIIBBHHH", 12345, port, 0, 1, 5 << 4, 0x14, 0, 0, 0)


def test_recorded_refusals_are_read():
    """Three datagrams of a real kernel, one refusal in each, numbered from 0."""
    read = [refusal for datagram in REPORTS["ipv4"] for refusal in nflog.parse(datagram)]
    assert read == [Refusal("127.0.0.1", 40003 + number, number) for number in range(3)]


def test_a_recorded_batch_is_walked_to_its_end():
    """Five refusals in one datagram, then the end of the batch, which is none."""
    (datagram,) = REPORTS["batch"]
    assert list(nflog.parse(datagram)) == [Refusal("127.0.0.1", 40023 + n, n) for n in range(5)]


def test_a_recorded_ipv6_refusal_is_read():
    """The address is 16 bytes, elsewhere in the header; the numbers go on from the three of IPv4."""
    assert list(nflog.parse(REPORTS["ipv6"][0])) == [Refusal("::1", 40013, 3)]


def test_the_source_is_where_the_rst_goes():
    """Built from the documented layout: the refused host is the RST's destination, not its source."""
    assert list(nflog.parse(message(rst4("172.18.0.9", 50001), 7))) == [Refusal("172.18.0.9", 50001, 7)]
    assert list(nflog.parse(message(rst6("fd00::9", 50001), 8))) == [Refusal("fd00::9", 50001, 8)]


def test_ip_options_move_the_tcp_header():
    """The length of an IPv4 header is in the header."""
    assert list(nflog.parse(message(rst4("10.1.2.3", 65535, options=3), 0))) == [
        Refusal("10.1.2.3", 65535, 0)
    ]


def test_sequence_numbers_use_all_32_bits():
    """The kernel's counter wraps at 2**32."""
    assert next(nflog.parse(message(rst4("10.0.0.1", 1), 2**32 - 1))).sequence == 2**32 - 1


def test_other_messages_are_passed_over():
    """An acknowledgement or the end of a batch between refusals hides neither of them."""
    ack = struct.pack("=IHHII", 36, 2, 0, 1, 0) + struct.pack("=i", 0) + b"\0" * 16
    ack += message(rst4("10.0.0.3", 3), 9, kind=4 << 8 | 1)  # of the same subsystem, but no packet
    datagram = message(rst4("10.0.0.1", 1), 0) + ack + message(rst4("10.0.0.2", 2), 1) + DONE
    assert [refusal.source for refusal in nflog.parse(datagram)] == ["10.0.0.1", "10.0.0.2"]


def test_nothing_is_no_refusal():
    """An empty datagram."""
    assert list(nflog.parse(b"")) == []


@pytest.mark.timeout(5)
def test_a_datagram_that_is_cut_gives_what_is_whole():
    """Whatever is missing at the end, the first refusal is told, and nobody is accused of the second."""
    first, second = message(rst4("10.0.0.1", 1), 0), message(rst4("10.0.0.2", 2), 1)
    for end in range(len(second)):
        assert list(nflog.parse(first + second[:end])) == [Refusal("10.0.0.1", 1, 0)], (
            f"cut after {end} bytes"
        )


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(bytes(64), id="zeros"),
        pytest.param(b"\xff" * 64, id="ones"),
        pytest.param(struct.pack("=IHHII", 16, 4 << 8, 0, 0, 0), id="no-body"),
        pytest.param(struct.pack("=IHHII", 28, 4 << 8, 0, 0, 0) + bytes(12), id="attribute-of-no-length"),
        pytest.param(message(b"", 0), id="no-packet"),
        pytest.param(message(b"\x45" + bytes(10), 0), id="half-an-ip-header"),
        pytest.param(message(rst4("10.0.0.1", 1)[:21], 0), id="half-a-tcp-header"),
    ],
)
def test_garbage_ends_and_accuses_nobody(garbage):
    """What is no report yields no refusal, does not end the host, and does not keep it busy for ever."""
    assert list(nflog.parse(garbage)) == []


def test_a_full_buffer_is_told_apart():
    """ENOBUFS means that reports were lost; anything else is an error of ours."""

    def failing(number):
        def recv(_):
            raise OSError(number, "as the kernel would")

        return SimpleNamespace(recv=recv)

    with pytest.raises(nflog.Overrun):
        nflog.refusals(failing(errno.ENOBUFS))
    with pytest.raises(OSError, match="as the kernel would"):
        nflog.refusals(failing(errno.EBADF))


def test_refusals_wait_for_one_datagram():
    """One look is one datagram, with all that is in it."""
    ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, kernels:
        kernels.send(REPORTS["batch"][0])
        kernels.send(REPORTS["ipv4"][0])
        assert len(nflog.refusals(ours)) == 5
        assert len(nflog.refusals(ours)) == 1


@pytest.mark.parametrize("group", [-1, 65536, 70000, 2**32])
def test_a_group_that_is_none_is_refused(group):
    """Its number has 16 bits; a larger one is the policy's mistake, and said as that."""
    with pytest.raises(OSError, match=rf"^--nflog-group {group}: NFLOG groups are 0 to 65535$"):
        nflog.subscribe(group)
