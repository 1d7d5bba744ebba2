"""`lab status` on a lab that is not perfect: numbers belong to hosts, and what nobody knows is said to be that."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from connlab.actions import status
from connlab.agent.session import Agent
from connlab.base.errors import LabError
from connlab.base.model import Outcome, tally
from connlab.base.wait import until
from connlab.cluster import engine, hosts, lifecycle
from connlab.cluster.host import Host
from connlab.kernel import snapshot
from tests.support.laboratory import Lab, server_events
from tests.support.pausing import pause

pytestmark = pytest.mark.xdist_group("status")
SOON = 10.0  # seconds
MANY = 15_000  # refusals; the server's buffer holds some 10,000 reports
ZEROS = {"held": 0, "accepted": 0, "refused": 0, "accepted_at_least": False, "refused_at_least": False}


@pytest.fixture(scope="module")
def lab(module_lab) -> Lab:
    """Return one lab for all tests, each of which has a client of its own.

    Forking, so that a process can be taken away; on the clients no late segment ends TIME_WAIT (T23).
    """
    return module_lab(CLIENTS=4, SERVER_MODE="forking", CLIENT_SYSCTL="rfc1337")


def read_status(lab: Lab, *, sockets: bool = False) -> dict[str, Any]:
    """Return what `lab status --json` prints; without `sockets`, what `up` and `scale` do."""
    answer = status.lab_status(lab.settings.project, hosts.find(lab.settings.project), clients_asked=sockets)
    return dict(json.loads(json.dumps(answer)))


def row(status_now: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the row of a client."""
    (one,) = (row for row in status_now["clients"] if row["name"] == name)
    return dict(one)


def other_rows(status_now: dict[str, Any], address: str) -> list[dict[str, Any]]:
    """Return the rows of this address that are no client's."""
    return [row for row in status_now["others"] if row["address"] == address]


def select(record: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return these fields of a record."""
    return {name: record[name] for name in names}


def unplug(lab: Lab, host: Host) -> None:
    """Take a host off its network: nothing that it sends arrives any more."""
    (network,) = engine.client().api.networks(filters={"label": f"{hosts.PROJECT}={lab.settings.project}"})
    engine.client().api.disconnect_container_from_network(host.id, network["Id"], force=True)


def test_slots_without_a_socket_are_counted(lab: Lab) -> None:
    """Killed processes: the server's sockets hold nothing, and the limit still counts fifteen."""
    with Agent(lab.clients[0]) as agent:
        assert tally(agent.open(15)) == {Outcome.ESTABLISHED: 15}
        assert select(row(read_status(lab), "client-1"), ("held", "counted")) == {"held": 15, "counted": 15}
        lab.server.run(["pkill", "-KILL", "-P", "1"], user="connlab")
        status_now = until(
            lambda: (one := read_status(lab))["server"]["held"] == 0 and one, "no socket is established", SOON
        )
        assert select(row(status_now, "client-1"), ("held", "counted")) == {"held": 0, "counted": 15}
        assert status_now["server"]["counted"] == 15
        assert tally(agent.open(3)) == {Outcome.REFUSED: 3}
        agent.close(how="rst")
    assert read_status(lab)["server"]["counted"] == 0


def test_sockets_of_every_host_are_seen(lab: Lab) -> None:
    """Who closes first has TIME_WAIT: here the client. Docker's resolver is nobody's listener."""
    with Agent(lab.clients[1]) as agent:
        agent.open(10)
        agent.close(how="fin")
        status_now = read_status(lab, sockets=True)
    assert row(status_now, "client-2")["sockets"] == {"TIME-WAIT": 10}
    assert row(status_now, "client-4")["sockets"] == {}
    assert {state: n for state, n in status_now["sockets"].items() if state == "LISTEN"} == {"LISTEN": 1}
    assert status_now["server"]["sockets"] == status_now["sockets"]


def test_a_new_host_does_not_get_the_numbers_of_its_address(lab: Lab) -> None:
    """One whose cable was pulled while it held 15, one that takes its address, and that one started again.

    The first one's connections are the server's still, and whoever comes under its address is refused (C13).
    """
    last = lab.clients[3]
    with Agent(last) as agent:
        assert tally(agent.open(17)) == {Outcome.ESTABLISHED: 15, Outcome.REFUSED: 2}
        numbers = {"held": 15, "counted": 15, "accepted": 15, "refused": 2}
        assert select(row(read_status(lab), "client-4"), numbers) == numbers
        unplug(lab, last)
        status_now = read_status(lab)
        assert row(status_now, "client-4")["state"] == "not on the lab's network"
        assert {row(status_now, "client-4")[name] for name in numbers} == {None}
        (other,) = other_rows(status_now, last.address)
        assert select(other, {"earlier": False, **numbers}) == {"earlier": False, **numbers}
        assert status_now["server"]["held"] == 15
    lifecycle.scale(lab.settings, 3)
    second = lifecycle.scale(lab.settings, 4)[4]
    assert second.address == last.address, "the address was not handed out again: this shows nothing"
    status_now = read_status(lab)
    assert select(row(status_now, "client-4"), ZEROS) == ZEROS
    assert row(status_now, "client-4")["counted"] == 15, "the limit counts by address"
    earlier = {"earlier": True, **numbers, "counted": None}
    assert select(other_rows(status_now, second.address)[0], earlier) == earlier
    with Agent(second) as agent:
        assert tally(agent.open(1)) == {Outcome.REFUSED: 1}
    assert row(read_status(lab), "client-4")["refused"] == 1

    second.restart()
    again = hosts.find(lab.settings.project)[4]
    status_now = read_status(lab)
    assert select(row(status_now, "client-4"), ZEROS) == ZEROS
    assert other_rows(status_now, second.address)[0]["refused"] == 3
    assert (again.id, again.address) == (second.id, second.address)


def test_who_cannot_be_asked_has_no_zeros(lab: Lab) -> None:
    """Paused: what the server knows of it, and no sockets. Killed: nothing. The rest of the table is there."""
    third, fourth = (
        host for host in hosts.find(lab.settings.project) if host.name in ("client-3", "client-4")
    )
    api = engine.client().api
    with Agent(third) as agent:
        agent.open(2)
        pause(third.id)
        api.kill(fourth.id)
        until(lambda: not _state(lab, "client-4").startswith("running"), "it is dead", SOON)
        status_now = read_status(lab, sockets=True)
        api.unpause(third.id)
        paused, dead = row(status_now, "client-3"), row(status_now, "client-4")
        assert select(paused, ("state", "held", "accepted", "sockets", "sockets_unknown")) == {
            "state": "paused", "held": 2, "accepted": 2, "sockets": None, "sockets_unknown": "paused",
        }  # fmt: skip
        assert dead["state"] == "exited (137)"
        assert {dead[name] for name in ("held", "counted", "accepted", "refused", "sockets")} == {None}
        assert row(status_now, "client-1")["sockets"] is not None


def test_a_server_that_does_not_answer_is_said_not_to(lab: Lab) -> None:
    """Its process is stopped: the kernel's numbers are there, its own are not, and who needs them is told why."""
    with Agent(lab.clients[0]) as agent:
        agent.open(2)
        held_before = read_status(lab)["server"]["held"]
        lab.server.signal("STOP")
        try:
            status_now = read_status(lab)
            with pytest.raises(
                LabError, match="the server process does not answer: timed out\n  next: make logs"
            ):
                snapshot.take_snapshot(lab.server.run)
        finally:
            lab.server.signal("CONT")
        assert select(row(status_now, "client-1"), ("held", "counted")) == {"held": 2, "counted": 2}
        assert {row(status_now, "client-1")[name] for name in ("accepted", "refused")} == {None}
        assert (status_now["server"]["silent"], status_now["server"]["accepted"]) == ("timed out", None)
        assert (status_now["server"]["held"], status_now["server"]["mode"]) == (held_before, "forking")
    assert read_status(lab)["server"]["silent"] is None


def test_lost_refusals_are_said_to_be(lab: Lab) -> None:
    """A paused server and more refusals than its buffer holds: told at once, and no number is a whole one after.

    The rules' own counter is the witness: what was told and what was lost are all that it counted.
    """
    with Agent(lab.clients[2]) as agent:
        agent.open(15)
        before = read_status(lab)
        assert not row(before, "client-3")["refused_at_least"]
        pause(lab.server.id)
        try:
            assert tally(agent.open(MANY, gap_ms=0, in_flight=64)) == {Outcome.REFUSED: MANY}
        finally:
            engine.client().api.unpause(lab.server.id)
        until(lambda: server_events(lab, "events_lost"), "the loss is told, without another refusal", SOON)
        (lost,) = (event.fields["count"] for event in server_events(lab, "events_lost"))

        def of_third() -> int:
            """Return the refusals told of the third; the loss is told first (ENOBUFS), then what the buffer kept."""
            return int(row(read_status(lab), "client-3")["refused"] - row(before, "client-3")["refused"])

        until(lambda: of_third() >= MANY - lost, "all that the buffer kept is read", SOON)
        status_now = read_status(lab)
    server, third = status_now["server"], row(status_now, "client-3")
    assert server["refused"] - before["server"]["refused"] == MANY
    assert server["refused_lost"] == lost > 0
    assert third["refused_at_least"]
    assert third["refused"] - row(before, "client-3")["refused"] == MANY - lost


def _state(lab: Lab, name: str) -> str:
    """Return a host's state, as the engine has it."""
    (host,) = (host for host in hosts.find(lab.settings.project) if host.name == name)
    return host.state
