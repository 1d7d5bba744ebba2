"""How to see what SO_REUSEADDR is for, said where a restart without it met nothing."""

from __future__ import annotations

import pytest

from connlab.actions.restart import advice
from connlab.cluster import hosts
from connlab.cluster.host import Host

MET_NOTHING = {"project": "lab", "reuse_address": False, "error": None, "time_wait": 0, "port": 443}


def client(number: int, state: str = "running") -> Host:
    return Host(f"client{number}", "client", number, "172.18.0.9", state, "Up 2 minutes")


@pytest.mark.parametrize(
    ("lab_hosts", "command"),
    [
        ([client(1), client(2)], "make attempt HOLD=60"),
        ([client(1, "exited"), client(2)], "make attempt HOLD=60 CLIENT=2"),
        ([client(1, "exited")], "make scale-clients N=1 and make attempt HOLD=60"),
        ([], "make scale-clients N=1 and make attempt HOLD=60"),
    ],
)
def test_the_command_works_for_the_lab_as_it_is(
    monkeypatch: pytest.MonkeyPatch, lab_hosts: list[Host], command: str
) -> None:
    """One line, with a client that runs."""
    monkeypatch.setattr(hosts, "find", lambda *which: {("lab", "client"): lab_hosts}[which])
    (line,) = advice(MET_NOTHING)
    assert line.startswith(
        f"nothing was in TIME_WAIT on port 443: during `{command}` the server closes first"
    )


@pytest.mark.parametrize("other", [{"reuse_address": True}, {"error": "EADDRINUSE"}, {"time_wait": 1}])
def test_nothing_is_said_where_it_is_not_so(
    monkeypatch: pytest.MonkeyPatch, other: dict[str, object]
) -> None:
    """With the flag, where bind failed, and where something is in TIME_WAIT."""
    monkeypatch.setattr(hosts, "find", lambda *which: pytest.fail("the engine is asked for nothing"))
    assert advice({**MET_NOTHING, **other}) == []
