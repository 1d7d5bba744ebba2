"""The ports that tests give their own servers."""

from __future__ import annotations

import socket

import pytest

from tests import ports


def test_a_port_in_time_wait_is_not_free(monkeypatch) -> None:
    """A server without SO_REUSEADDR could not have it; the next one that is tried can be had."""
    waiting = ports.free_port()
    here = ("127.0.0.1", waiting)
    with socket.create_server(here) as listener, socket.create_connection(here) as client:
        listener.accept()[0].close()  # closed first here: TIME_WAIT is on this port
        assert client.recv(1) == b""
    free = ports.free_port()
    with socket.socket() as plain, pytest.raises(OSError, match="Address already in use"):
        plain.bind(here)
    tried = iter([waiting, free])
    monkeypatch.setattr(ports.random, "randint", lambda *_: next(tried))
    assert ports.free_port() == free
