"""What the kernel answers to a question of rtnetlink(7): this machine's own, in the namespace of the test."""

from __future__ import annotations

import contextlib
import socket

import pytest

from namespaces import rtnetlink
from namespaces.netns import CommandFailed

LOOPBACK = socket.if_nametoindex("lo")


class Here:
    """The namespace that the test is in, in the place of one of its own."""

    entered = staticmethod(contextlib.nullcontext)


@pytest.mark.parametrize("address", ["198.51.100.1", "2001:db8::1"])
def test_a_neighbour_without_an_entry_has_no_state(address):
    """A failed one is collected at any moment; a trial that looked a moment later ended with an error."""
    assert rtnetlink.state_of(Here(), address, LOOPBACK) == 0


def test_another_error_is_one():
    """A neighbour of a link that is not there cannot be asked for."""
    with pytest.raises(CommandFailed, match=r"neigh get 198\.51\.100\.1: No such device"):
        rtnetlink.state_of(Here(), "198.51.100.1", 1 << 30)
