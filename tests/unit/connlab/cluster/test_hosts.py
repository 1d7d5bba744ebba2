"""The states of a host in words, and the refusal where there is no server to ask."""

from __future__ import annotations

import re

import pytest

from connlab.base.errors import LabError
from connlab.cluster import hosts
from connlab.cluster.host import Host


def host(state: str, uptime: str = "", address: str = "172.20.0.2", service: str = "server") -> Host:
    return Host("c0ffee", service, 1, address, state, uptime)


@pytest.mark.parametrize(
    ("state", "uptime", "address", "trouble"),
    [
        ("running", "Up 3 seconds", "172.20.0.2", ""),
        ("running", "Up 3 seconds", "", "not on the lab's network"),
        ("paused", "Up 3 seconds (Paused)", "172.20.0.2", "paused"),
        ("exited", "Exited (137) 2 minutes ago", "", "exited (137)"),
        ("exited", "Exited (0) Less than a second ago", "", "exited (0)"),
        ("created", "Created", "", "created and never started"),
        ("dead", "Dead", "", "dead"),
        ("restarting", "Restarting (1) 2 seconds ago", "", "restarting"),
        ("removing", "Removal In Progress", "", "removing"),
    ],
)
def test_each_state_has_its_words(state, uptime, address, trouble):
    """The engine's own word, with the exit code where there is one; none for a host that can be used."""
    assert host(state, uptime, address).trouble == trouble


@pytest.mark.parametrize(
    ("lab_hosts", "message"),
    [
        ([], "the lab x is not up\n  next: make up"),
        ([host("running", service="client")], "the lab x has no server\n  next: make up"),
        ([host("paused")], "server-1 of the lab x is not running: paused\n  next: make up, which"),
        ([host("exited", "Exited (1) an hour ago")], "not running: exited (1)\n"),
    ],
)
def test_a_server_that_cannot_be_asked_is_said_to_be_what_it_is(lab_hosts, message):
    """Which state, and what brings it back."""
    with pytest.raises(LabError, match=re.escape(message)):
        hosts.server("x", lab_hosts)


def test_a_server_that_runs_is_the_answer():
    """Also one that is not on the network: it can still be asked."""
    off = host("running", address="")
    assert hosts.server("x", [off, host("running", service="client")]) is off
