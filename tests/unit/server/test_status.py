"""The server's own account, asked for over its status socket."""

from __future__ import annotations

import json
import socket
from dataclasses import replace

import pytest

from tests.unit.server.process import ask, dial, echo, lives, said


def test_status_tells_without_a_connection(server):
    """The server's own account, and asking for it is no connection."""
    with dial(server) as sock:
        echo(sock, b"x")
        account = json.loads(ask(server).stdout)
    assert account["sources"] == {"127.0.0.1": {"open": 1, "accepted": 1, "refused": 0}}
    assert (account["port"], account["connlimit"], account["mode"]) == (server.port, 15, "threading")
    assert {key["key"] for key in account["sysctls"]} >= {"net.ipv4.tcp_fin_timeout"}
    assert len(said(server, "accepted")) == 1


def test_status_of_no_server_is_a_failure(server):
    """Nobody there: exit status 1, and said on standard error."""
    done = ask(replace(server, status="connlab-nobody"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "the server does not answer: " in json.loads(done.stderr)["error"]


@pytest.mark.parametrize("request_", [None, b"{", b'["no-such-verb"]', b'["close"]'])
def test_a_bad_question_does_not_end_the_server(server, request_):
    """Who asks nonsense, or hangs up before the answer (Ctrl-C in `make status`), harms nobody."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asker:
        asker.connect(f"\0{server.status}")
        if request_ is not None:
            asker.send(request_)
    assert json.loads(ask(server).stdout)["port"] == server.port
    assert lives(server)
