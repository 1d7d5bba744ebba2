"""What the kernel answers to a question of rtnetlink(7): this machine's own, in the namespace of the test."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from namespaces import hosts, rtnetlink
from namespaces.netns import CommandFailed

LOOPBACK = socket.if_nametoindex("lo")


class Here:
    """The namespace that the test is in, in the place of one of its own."""

    entered = staticmethod(contextlib.nullcontext)


@pytest.mark.parametrize("address", ["198.51.100.1", "2001:db8::1"])
def test_a_neighbour_without_an_entry_has_no_state(address):
    """A failed one is collected at any moment; a trial that looked a moment later ended with an error."""
    assert rtnetlink.state_of(Here(), address, LOOPBACK) == 0


def test_an_address_of_ours_is_local_and_no_other():
    """Where the route is not there, or leads elsewhere, packets are not delivered here."""
    assert rtnetlink.is_local(Here(), "127.0.0.1", LOOPBACK)
    for address in ("198.51.100.1", "2001:db8::1"):
        assert not rtnetlink.is_local(Here(), address, LOOPBACK)
    with pytest.raises(CommandFailed, match=r"route get 198\.51\.100\.1: No such device"):
        rtnetlink.is_local(Here(), "198.51.100.1", 1 << 30)


def test_an_address_whose_route_never_comes_is_told(monkeypatch):
    """One whose route comes a moment later is waited for; IPv4 has its route at once, and nobody asks."""
    answers = iter([False, False, True])
    monkeypatch.setattr(rtnetlink, "is_local", lambda *_: next(answers))
    asyncio.run(hosts._wait_until_local(Here(), LOOPBACK, ["198.51.100.1", "2001:db8::1"]))
    assert list(answers) == []
    monkeypatch.setattr(rtnetlink, "is_local", lambda *_: False)
    monkeypatch.setattr(hosts, "LOCAL_WITHIN", 0.0)
    with pytest.raises(CommandFailed, match="2001:db8::1 has no local route 0 s after it was given"):
        asyncio.run(hosts._wait_until_local(Here(), LOOPBACK, ["2001:db8::1"]))


def test_another_error_is_one():
    """A neighbour of a link that is not there cannot be asked for."""
    with pytest.raises(CommandFailed, match=r"neigh get 198\.51\.100\.1: No such device"):
        rtnetlink.state_of(Here(), "198.51.100.1", 1 << 30)
