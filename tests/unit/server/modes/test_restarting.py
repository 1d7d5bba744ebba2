"""The listener is restarted in the same network namespace: what is closed, what bind(2) says, and what stays."""

from __future__ import annotations

import os
import signal
from operator import itemgetter

import pytest

from connlab.base.wait import until
from tests.unit.server.modes.kinds import BOUND, SUPERVISED
from tests.unit.server.process import GREETING, WITHIN, fill, receive, reset

IN_USE = "[Errno 98] Address already in use"


def restart(server, *reuse_address: str) -> dict:
    """Ask for a restart, and what came of it."""
    number = server.ask("restart", *reuse_address)["number"]

    def outcome() -> dict | None:
        last = listener(server)["last"]
        return last if last and last["number"] == number else None

    return until(outcome, "the restart has an outcome", WITHIN)


def listener(server) -> dict:
    return server.ask()["listener"]


@pytest.mark.parametrize("mode", SUPERVISED)
def test_with_reuse_address_it_listens_at_once(start, mode):
    """Every connection is closed with FIN, and it serves again; no child is left, and the counts go on."""
    server = start(mode)
    count = min(BOUND.get(mode, 3), 3)
    for number in (1, 2):
        with server.dials(count) as socks:
            server.wait_for_open(count)
            result = restart(server)
            assert [receive(sock, 100).removeprefix(GREETING) for sock in socks] == [b""] * count
        assert itemgetter("number", "open", "clean", "error")(result) == (number, count, True, None)
        assert result["listening_s"] == result["seconds"] > 0
        assert (listener(server)["state"], server.account()["accepted"]) == ("listening", number * count)
    server.check_service()
    server.wait_for_open(0)
    server.wait_for_no_children()
    again = ["stopping", "stopped", "listening"]
    names = [event.event for event in server.events() if event.event in ("ready", *again)]
    assert names == ["listening", "ready", *again, *again]
    assert server.stop() == 0


@pytest.mark.parametrize("mode", SUPERVISED)
def test_without_it_time_wait_keeps_the_port(start, mode):
    """The server closed first (R01): it says why it cannot bind, goes on trying, and can still be stopped."""
    server = start(mode, REUSE_ADDRESS="0")
    with server.dial() as sock:
        server.wait_for_open(1)
        result = restart(server)
        receive(sock, 100)
    assert (result["open"], result["error"]) == (1, IN_USE)
    now = listener(server)
    assert (now["state"], now["error"], now["reuse_address"]) == ("failed", IN_USE, False)
    with pytest.raises(ConnectionRefusedError):
        server.dial()
    assert [line.fields["error"] for line in server.events("listen_failed")] == [
        f"LISTEN='127.0.0.1' PORT={server.port}: {IN_USE}"
    ]
    again = restart(server, "1")  # the old socket had no flag, so the new one's does not help
    assert (again["number"], again["open"], again["error"]) == (2, 0, IN_USE)
    assert server.stop() == 0


def test_it_listens_as_soon_as_it_can(start):
    """The client of a connection that the server closed is still there: FIN_WAIT_2 has the port until it is reset."""
    server = start("threading", REUSE_ADDRESS="0")
    sock = server.dial()
    server.wait_for_open(1)
    assert restart(server)["error"] == IN_USE
    reset(sock)
    server.wait_for("listening", 2)
    now = listener(server)
    assert (now["state"], now["error"], now["last"]["error"]) == ("listening", None, IN_USE)
    assert now["last"]["listening_s"] > now["last"]["seconds"]
    assert len(server.events("listen_failed")) == 1
    server.check_service()


def test_a_stuck_client_is_cut_off(start):
    """One that never reads holds a send(2) of the server's: half of the time, then it is shut too."""
    server = start("threading")
    with server.dial() as stuck:
        fill(stuck)
        result = restart(server)
        assert (result["open"], result["clean"], result["error"]) == (1, True, None)
    server.check_service()


def test_those_that_wait_are_reset(start):
    """B09, and the count of them."""
    server = start("iterative", BACKLOG="5")
    with server.dial():
        server.wait_for_open(1)
        with server.dials(3):
            assert restart(server)["waiting"] == 3


def test_nonsense_is_answered(start):
    server = start("threading")
    for nonsense in (["2"], ["yes"], ["1", "1"]):
        command = server.control("restart", *nonsense)
        assert (command.returncode, command.stdout) == (1, "")
    assert server.events("stopping") == []
    server.check_service()


def test_a_signal_does_it_too(start):
    """`docker kill -s HUP`."""
    server = start("threading")
    server.process.send_signal(signal.SIGHUP)
    server.wait_for("listening", 2)
    assert server.events("stopping")[0].fields["signal"] == "SIGHUP"
    server.check_service()


def test_a_child_that_does_not_end_is_killed(start):
    """Frozen, it closes nothing within 1.5 s: said as not clean, and it is gone before the port is bound again."""
    server = start("forking")
    with server.dial() as sock:
        server.wait_for_open(1)
        os.kill(server.child(), signal.SIGSTOP)
        result = restart(server)
        assert (result["open"], result["clean"], result["error"]) == (1, False, None)
        assert server.account()["open"] == 0
        receive(sock, 100)
    server.check_service()
    server.wait_for_no_children()
