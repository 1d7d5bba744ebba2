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


def test_what_is_ours_is_taken_in_and_nothing_else():
    """A route that is not there, or leads elsewhere, is no address of ours."""
    assert rtnetlink.is_own(Here(), "127.0.0.1", LOOPBACK)
    for address in ("198.51.100.1", "2001:db8::1"):
        assert not rtnetlink.is_own(Here(), address, LOOPBACK)
    with pytest.raises(CommandFailed, match=r"route get 198\.51\.100\.1: No such device"):
        rtnetlink.is_own(Here(), "198.51.100.1", 1 << 30)


def test_an_address_that_is_never_taken_in_is_told(monkeypatch):
    """And one that is a moment later is waited for."""
    answers = iter([False, False, True])
    monkeypatch.setattr(rtnetlink, "is_own", lambda *_: next(answers))
    asyncio.run(hosts._until_own(Here(), LOOPBACK, ["2001:db8::1"]))
    assert list(answers) == []
    monkeypatch.setattr(rtnetlink, "is_own", lambda *_: False)
    monkeypatch.setattr(hosts, "OWN_WITHIN", 0.0)
    with pytest.raises(CommandFailed, match="2001:db8::1 is not taken in 0 s after it was given"):
        asyncio.run(hosts._until_own(Here(), LOOPBACK, ["2001:db8::1"]))


def test_another_error_is_one():
    """A neighbour of a link that is not there cannot be asked for."""
    with pytest.raises(CommandFailed, match=r"neigh get 198\.51\.100\.1: No such device"):
        rtnetlink.state_of(Here(), "198.51.100.1", 1 << 30)
