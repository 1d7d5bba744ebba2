"""The ports that tests give their own servers."""

from __future__ import annotations

import socket
import sys

import pytest

from connlab.base.settings import HOME
from connlab.cluster import profiles
from tests.support import ports
from tests.support.processes import run_program


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
    for claim in ports._claims:  # as if another process had chosen both, and had ended
        claim.close()
    tried = iter([waiting, free])
    monkeypatch.setattr(ports.random, "randint", lambda *_: next(tried))
    assert ports.free_port() == free


def test_a_port_that_was_just_chosen_is_not_free(monkeypatch) -> None:
    """Its server does not listen yet; a test of another process, which tries it meanwhile, gets the next one."""
    chosen, free = ports.free_port(), ports.free_port()
    ports._claims.pop().close()
    tried = iter([chosen, free])
    monkeypatch.setattr(ports.random, "randint", lambda *_: next(tried))
    assert ports.free_port() == free


# Of a new network namespace (inet_init_net()); Docker's resolver listens on a port of it in every container.
DEFAULT_RANGE = range(32768, 60999 + 1)


@pytest.mark.parametrize("name", sorted(path.stem for path in (HOME / "sysctl").glob("*.yaml")))
def test_no_profile_has_local_ports_that_dockers_resolver_may_have(name: str) -> None:
    """connect(2) would skip that one (docs/kernel.md T25), and ten ports would be nine."""
    if own := profiles.sysctls(name).get("net.ipv4.ip_local_port_range"):
        low, high = map(int, own.split())
        assert not set(DEFAULT_RANGE) & set(range(low, high + 1))


def test_ports_that_tests_choose_are_not_dockers_resolvers() -> None:
    assert not set(DEFAULT_RANGE) & set(range(ports.LOWEST, ports.HIGHEST + 1))


def test_a_process_that_chose_ports_ends_without_a_word() -> None:
    """Each claim that was left open was a warning below the last test of a run."""
    script = "from tests.support import ports; [ports.free_port() for _ in range(3)]"
    result = run_program([sys.executable, "-X", "dev", "-c", script])
    assert (result.returncode, result.stderr) == (0, "")
