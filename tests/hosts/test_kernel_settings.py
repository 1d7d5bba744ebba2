"""What settings do that people copy from each other: tcp_max_syn_backlog, and a wide ip_local_port_range."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from connlab.base import probes
from connlab.cluster.one_off import run_once
from tests.support.laboratory import image
from tests.support.variations import then_variations

COOKIES, BACKLOG = "net.ipv4.tcp_syncookies", "net.ipv4.tcp_max_syn_backlog"


def run(command: Sequence[str], **options: Any) -> Any:
    python, *argv = command
    status, output = run_once(image("server"), argv, entrypoint=python, user="0", **options)
    assert status == 0, output
    return json.loads(output)


@pytest.mark.parametrize(
    ("settings", "open_handshakes", "cookies"),
    then_variations(
        ({BACKLOG: "8"}, 100, 0),
        ({BACKLOG: "8", COOKIES: "0"}, 7, 0),
        ({BACKLOG: "40", COOKIES: "0"}, 31, 0),
        ({COOKIES: "0"}, 100, 0),
        ({BACKLOG: "8", COOKIES: "2"}, 0, 100),
    ),
)
def test_tcp_max_syn_backlog_is_read_without_cookies_alone(settings, open_handshakes, cookies):
    """Three quarters of it, for clients that are not known; the listener's backlog is far away (B13)."""
    seen = run(probes.argv("half_open", 4096, 100), sysctls=settings, cap_add=["NET_ADMIN"])
    assert seen == {"syn_recv": open_handshakes, "cookies": cookies}


def test_a_port_of_an_outgoing_connection_is_no_listeners():
    """Not with SO_REUSEADDR, and not a minute later; while a listener is there, connect(2) does not take it (T27)."""
    assert run(
        probes.argv("port_of_a_connection"), sysctls={"net.ipv4.ip_local_port_range": "8443 8443"}
    ) == {
        "beside a listener": "EADDRNOTAVAIL",
        "connected": ["EADDRINUSE", "EADDRINUSE"],
        "another address": "listens",
        "TIME_WAIT": ["EADDRINUSE", "EADDRINUSE"],
    }
