"""The ways of packets, put together from the events of a trace, as the kernel sends them."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator

import pytest

from namespaces import scenario
from namespaces.dial import Dial
from namespaces.hosts import Hosts
from namespaces.route import Route
from namespaces.rule_list import rules
from namespaces.scene import Scene
from namespaces.trace import ACK, OURS, SYN, Trace
from namespaces.trace_events import ID, NETWORK, TRANSPORT, Event

CLIENT, SERVER = ("198.18.85.170", 40000), ("198.51.100.10", 443)
FOUR = (*CLIENT, *SERVER)
GUARD = ("inet", "guard", "input")


class Here:
    """A namespace that is this process's own: sockets are ordinary ones."""

    def socket(self, family: int, kind: int = socket.SOCK_STREAM, protocol: int = 0) -> socket.socket:
        """Make a socket that does not block; netlink's is one that never has anything."""
        if family == socket.AF_NETLINK:
            return Silent(socket.AF_INET, socket.SOCK_DGRAM)
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        return sock

    def unreachables(self, family: int) -> int:
        """Count no ICMP error."""
        return 0


class Silent(socket.socket):
    """A socket in place of netlink's, without its groups."""

    def bind(self, address: object) -> None:
        """Do nothing."""

    def setsockopt(self, *arguments: object) -> None:  # type: ignore[override]
        """Do nothing."""


@pytest.fixture
def trace() -> Iterator[Trace]:
    """Make a trace to which nothing comes but what a test adds."""

    async def made() -> Trace:
        return Trace(Here())  # type: ignore[arg-type]

    loop = asyncio.new_event_loop()
    trace = loop.run_until_complete(made())
    yield trace
    loop.close()


def headers(flags: int, source: tuple[str, int], target: tuple[str, int]) -> dict[int, bytes]:
    """Return the two headers of a packet, as far as they are read."""
    addresses = b"".join(socket.inet_aton(address) for address, _ in (source, target))
    return {
        NETWORK: b"\x45" + bytes(11) + addresses,
        TRANSPORT: struct.pack(">HH9xB", source[1], target[1], flags),
    }


def begins(trace: Trace, number: int, chain: str = "in", flags: int = SYN, back: bool = False) -> None:
    """Let a packet begin its way."""
    ends = (SERVER, CLIENT) if back else (CLIENT, SERVER)
    event = Event("inet", OURS, chain, 3, "rule", "continue")
    trace.add(event, {ID: struct.pack(">I", number), **headers(flags, *ends)})


def meets(
    trace: Trace, number: int, handle: int, verdict: str = "continue", chain: tuple[str, str, str] = GUARD
) -> Event:
    """Let a packet match a rule."""
    event = Event(*chain, handle, "rule", verdict)
    trace.add(event, {ID: struct.pack(">I", number)})
    return event


def test_a_way_is_what_a_packet_met_since_it_began(trace):
    """Our own chains are left out, but for the one at the end; so is the end of a chain, which has no rule."""
    begins(trace, 7)
    first = meets(trace, 7, 4)
    meets(trace, 7, 0)
    trace.add(Event("inet", OURS, "in", 0, "policy", "accept"), {ID: struct.pack(">I", 7)})
    end = meets(trace, 7, 9, chain=("inet", OURS, "arrived"))
    assert trace.syns == {FOUR: [[first, end]]}


def test_an_id_that_comes_again_is_another_packet(trace):
    """The kernel's id is made of an address in memory: a repeated SYN may have it too."""
    begins(trace, 7)
    first = meets(trace, 7, 4, "drop")
    begins(trace, 7)
    second = meets(trace, 7, 5, "accept")
    assert trace.syns[FOUR] == [[first], [second]]
    assert trace.started == {"out": 0, "ingress": 0, "in": 2}


def test_packets_are_told_apart_while_both_are_on_their_way(trace):
    """By the id alone."""
    begins(trace, 7)
    begins(trace, 8, back=True)
    mine, other = meets(trace, 7, 4), meets(trace, 8, 5)
    assert trace.syns == {FOUR: [[mine]], (*SERVER, *CLIENT): [[other]]}


def test_over_loopback_a_way_goes_on_where_it_comes_in(trace):
    """It began in `out`; a second SYN begins there again."""
    begins(trace, 7, "out")
    out = meets(trace, 7, 2)
    begins(trace, 9, "in")
    into = meets(trace, 9, 4)
    begins(trace, 7, "out")
    assert trace.syns[FOUR] == [[out, into], []]


def test_answers_are_no_syns_and_other_packets_are_a_sample(trace):
    """Each apart."""
    begins(trace, 7, "out", SYN | ACK, back=True)
    answer = meets(trace, 7, 4)
    begins(trace, 8, flags=ACK)
    data = meets(trace, 8, 5)
    assert (trace.syns, trace.answers, trace.sample) == ({}, {(*SERVER, *CLIENT): [[answer]]}, [data])
    assert trace.started == {"out": 1, "ingress": 0, "in": 0}


def test_what_began_before_we_looked_is_left_out(trace):
    """An event of no known packet."""
    meets(trace, 7, 4)
    assert (trace.syns, trace.sample) == ({}, [])


LISTING = """table inet guard {
\tchain in {
\t\ttcp flags & (fin | syn | rst) == syn counter packets 99 bytes 1 # handle 3
\t}
}
table inet connlab_trace { # handle 7
\tchain in { # handle 1
\t\ttype filter hook prerouting priority -450; policy accept;
\t\ttcp flags & (fin | syn | rst) == syn counter packets 12 bytes 720 meta nftrace set 1 # handle 5
\t}
\tchain out { # handle 2
\t\ttype filter hook output priority -450; policy accept;
\t\ttcp flags & (fin | syn | rst) == syn counter packets 7 bytes 420 meta nftrace set 1 # handle 6
\t}
}
"""


def test_our_own_counters_are_read():
    """Not those of a chain of the same name."""
    assert scenario.counted(rules(LISTING)) == {"in": 12, "out": 7}


BROKEN = """table ip a { # handle 1
\tset s { # handle 9
\t\telements = { 1.2.3.4 counter packets 5 bytes 1 }
\t}
\tchain c { # handle 2
\t\ttype filter hook input priority 0; policy drop;
\t\tlog prefix "counter packets 9 bytes 1 # handle 8" counter packets 2 bytes 80 # handle 3
\t\ttcp dport { 1,
\t\t\t    2 } counter packets 4 bytes 160
\t\t\t    drop # handle 4
\t\taccept # handle 5
\t}
}
"""


def test_rules_are_listed_with_their_packets():
    """Also one that nft broke over lines; what stands in quotes is no counter, nor what is in a set."""
    assert rules(BROKEN) == [["ip", "a", "c", 3, 2], ["ip", "a", "c", 4, 4], ["ip", "a", "c", 5, 0]]


@pytest.mark.parametrize(("before", "after", "whole"), [(12, 12, True), (11, 12, True), (12, 13, True),
                                                        (13, 13, False), (10, 11, False)])  # fmt: skip
def test_a_trace_is_whole_if_it_has_what_was_counted(before, after, whole):
    """A SYN may come while the counters are read."""
    assert scenario.within({"in": before, "out": 7}, {"in": 12, "out": 7}, {"in": after, "out": 7}) is whole


def test_a_dial_has_the_ways_of_its_syns_and_of_the_answers(trace):
    """A way came through if it ended where nobody drops any more."""

    async def dialled() -> Dial:
        return Dial(Here(), Route("", SERVER[0], SERVER[1]))  # type: ignore[arg-type]

    begins(trace, 7)
    meets(trace, 7, 4, "drop")
    begins(trace, 7)
    meets(trace, 7, 9, chain=("inet", OURS, "arrived"))
    begins(trace, 8, "out", SYN | ACK, back=True)
    meets(trace, 8, 9, chain=("inet", OURS, "left"))
    dial = asyncio.run(dialled())
    dial.four, dial.letter, dial.late = FOUR, "T", "E"
    told = scenario.dials([dial], trace)
    assert told["dials"] == [["T", "", "E", [0, 1], [1]]]
    assert told["paths"] == [[False, [[*GUARD, 4, "rule", "drop"]]], [True, []]]
    dial.sock.close()


@pytest.mark.parametrize(("more", "ways"), [(False, []), (True, [[False, [[*GUARD, 4, "rule", "drop"]]]])])
def test_nothing_is_known_of_a_dial_to_oneself_whose_address_changes_on_the_way(trace, more, ways):
    """It comes back in as another; one that keeps it is followed to its end."""

    async def dialled() -> Dial:
        own = Route(CLIENT[0], CLIENT[0], SERVER[1])
        return Dial(Here(), own, outgoing=True)  # type: ignore[arg-type]

    begins(trace, 7, "out")
    meets(trace, 7, 9, chain=("inet", OURS, "left"))
    if more:
        begins(trace, 7)
        meets(trace, 7, 4, "drop")
    dial = asyncio.run(dialled())
    dial.four, dial.letter = FOUR, "E"
    assert scenario.dials([dial], trace)["paths"] == ways
    dial.sock.close()


def test_each_dial_has_a_port_of_its_own(monkeypatch):
    """None on which somebody listens, nor one that was had before: two dials would have one way."""
    monkeypatch.setattr("namespaces.scene.Dial", lambda namespace, route, **more: route)
    scene = Scene(Hosts(None, None), {})  # type: ignore[arg-type]
    scene.listening = {33001}
    made = [scene.dial("127.0.0.1", "127.0.0.1", 9) for _ in range(3)]
    assert [route.source_port for route in made] == [33000, 33002, 33003]
