"""A dense lab: each client owns a block of addresses, and each of them is a host to the limit."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from connlab.actions import lab_checks
from connlab.agent.session import Agent
from connlab.base.model import Outcome
from connlab.cluster import capacity, compose_up, dense, hosts, lifecycle
from connlab.cluster.engine import client
from connlab.cluster.readiness import wait_until_ready
from tests.support.in_process import call_on
from tests.support.laboratory import Lab, close_on_server, own_settings, temporary_project, wait_until_free

pytestmark = pytest.mark.xdist_group("dense")
SOURCES, LIMIT = 64, 3
FRAMES = "/sys/class/net/eth0/statistics/rx_packets"


@pytest.fixture(scope="module")
def lab(module_lab) -> Lab:
    """Return a lab of two clients with 64 sources each."""
    return module_lab(CLIENTS=2, SOURCES_PER_CLIENT=SOURCES, CONNLIMIT=LIMIT)


def dial_all(lab: Lab, number: int) -> Counter[tuple[str | None, Outcome]]:
    """Dial once more than the limit from each source of a client, and let go again."""
    outcomes = dial_beside(lab, number)
    wait_until_free(lab)
    return outcomes


def expected(lab: Lab, number: int) -> Counter[tuple[str | None, Outcome]]:
    block = map(str, dense.of_lab(lab.settings.project).of(number))
    return Counter(
        {(s, o): n for s in block for o, n in ((Outcome.ESTABLISHED, LIMIT), (Outcome.REFUSED, 1))}
    )


def state(lab: Lab) -> dict:
    return json.loads(call_on(lab.settings, "status", "--json").stdout)


def test_each_source_has_a_limit_of_its_own(lab: Lab) -> None:
    """128 sources on two hosts: each is admitted to the limit and refused beyond it.

    The server's kernel knows two neighbours, not 128, and neither client has a capability. Nothing of it crossed the
    bridge, where the machine's own namespace may track it: each end of a pair has counted packets, eth0 none of TCP.
    """
    eth0 = lab.server.run(["cat", FRAMES])
    assert dial_all(lab, 1) == expected(lab, 1)
    assert dial_all(lab, 2) == expected(lab, 2)
    neighbours = lab.server.run(["ip", "neigh"]).split("\n")
    assert {line.split()[0] for line in neighbours if line} == {host.address for host in lab.clients}
    for host in lab.clients:
        assert "CapEff:\t0000000000000000" in host.run(["cat", "/proc/1/status"])
        pair = f"/sys/class/net/{host.name}/statistics/rx_packets"
        assert int(lab.server.run(["cat", pair])) > 3 * LIMIT * SOURCES
    crossed = int(lab.server.run(["cat", FRAMES])) - int(eth0)
    assert crossed < 2 * SOURCES, f"{crossed} frames came by the bridge"
    assert "inet6" not in lab.server.run(["ip", "address"]).replace("inet6 ::1", "")


def test_status_tells_each_source_under_its_client(lab: Lab) -> None:
    """The sums stand in a line of the table; no source is a stranger."""
    dial_all(lab, 2)
    before, limit = state(lab)["clients"][1]["block"], LIMIT * SOURCES
    dial_all(lab, 2)
    after = state(lab)
    block = after["clients"][1]["block"]
    assert (block["address"], block["size"]) == (str(dense.of_lab(lab.settings.project).of(2)), SOURCES)
    assert (block["accepted"] - before["accepted"], block["refused"] - before["refused"]) == (limit, SOURCES)
    assert len(block["sources"]) == SOURCES
    assert {row["accepted"] % LIMIT for row in block["sources"]} == {0}
    assert after["others"] == []
    assert f"{SOURCES} of {SOURCES} known" in call_on(lab.settings, "status").stdout


def test_a_person_dials_from_one_source(lab: Lab) -> None:
    """By its number in the block; the second witness is of that source alone."""
    result = json.loads(
        call_on(lab.settings, "attempt", "--json", "--client", "2", "--source", "5", "--count", "4").stdout
    )
    assert {attempt["source"] for attempt in result["attempts"]} == {
        str(dense.of_lab(lab.settings.project).of(2)[4])
    }
    assert (result["outcomes"], result["refused_by_policy"]) == ({"established": LIMIT, "refused": 1}, 1)
    refusal = call_on(lab.settings, "attempt", "--client", "2", "--source", "65")
    assert (refusal.returncode, "is no source of client-2" in refusal.stderr) == (2, True)


@pytest.mark.variation
def test_what_a_start_took_away_is_said_and_comes_back(lab: Lab) -> None:
    """A restart empties a network namespace: `status` and `attempt` say so, `up` sets it again on the same hosts."""
    lab.clients[0].restart()
    assert state(lab)["clients"][0]["state"] == "without its block"
    refusal = call_on(lab.settings, "attempt", "--client", "1", "--source", "2")
    assert refusal.returncode == 1
    assert "client-1 cannot dial from" in refusal.stderr
    assert "without its block\n  next: make up" in refusal.stderr
    doubt = lab_checks.check_hosts(lab.settings)
    assert (doubt["result"], doubt["detail"]) == ("WARN", "client-1: without its block")
    hosts_now = lifecycle.up(lab.settings)
    assert [host.id for host in hosts_now] == [host.id for host in (lab.server, *lab.clients)]
    assert state(lab)["clients"][0]["state"] == "running"
    assert dial_all(lab, 1) == expected(lab, 1)

    lab.server.restart()
    words = "its block is unknown to the server"
    assert [client["state"] for client in _once_ready(lab)["clients"]] == [words, words]
    lifecycle.up(lab.settings)
    assert dial_all(lab, 2) == expected(lab, 2)


def _once_ready(lab: Lab) -> dict:
    wait_until_ready(lab.settings.project, 2)
    return state(lab)


@pytest.mark.variation
def test_who_is_taken_off_the_network_has_no_way_to_the_server(lab: Lab) -> None:
    """Nor over its pair, although its block is its own still; `up` makes the client anew."""
    taken = lab.clients[1]
    network = hosts.networks(lab.settings.project)[0]["Id"]
    client().api.disconnect_container_from_network(taken.id, network)
    with Agent(taken) as agent:
        block = str(dense.of_lab(lab.settings.project).of(2))
        attempts = agent.open(2, host=lab.server.address, sources=block)
    assert [attempt.outcome for attempt in attempts] == [Outcome.UNREACHABLE] * 2
    lab.clients[1] = lifecycle.up(lab.settings)[2]
    assert dial_all(lab, 2) == expected(lab, 2)


@pytest.mark.variation
def test_scaling_gives_the_new_ones_blocks_and_leaves_the_others(lab: Lab) -> None:
    """A connection of an old client lives through it; what the network has no block for is refused with the number."""
    with Agent(lab.clients[0]) as agent:
        source = str(dense.of_lab(lab.settings.project).of(1)[7])
        agent.open(1, source=source)
        lifecycle.scale(lab.settings, 3)
        assert dial_beside(lab, 3) == expected(lab, 3)
        assert close_on_server(lab.server, source) == 1
    lifecycle.scale(lab.settings, 2)
    room = dense.of_lab(lab.settings.project).clients
    refusal = call_on(lab.settings, "scale", str(room + 1))
    assert refusal.returncode == 2
    assert f"is enough for {room} clients" in refusal.stderr
    assert f"make up CLIENTS={room + 1}, which makes the lab anew" in refusal.stderr


def dial_beside(lab: Lab, number: int) -> Counter[tuple[str | None, Outcome]]:
    """Dial as `dial_all` does, while somebody else holds a connection."""
    block = str(dense.of_lab(lab.settings.project).of(number))
    with Agent(hosts.find(lab.settings.project)[number]) as agent:
        attempts = agent.open(SOURCES * (LIMIT + 1), 1, sources=block)
    return Counter((attempt.source, attempt.outcome) for attempt in attempts)


@pytest.mark.variation
def test_two_dense_labs_have_two_networks_and_one_can_be_moved(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A second lab that chose the first one's network at the same moment takes the next.

    Given another number of sources a lab is made anew, plain too.
    """
    other = own_settings(CLIENTS=1, SOURCES_PER_CLIENT=16)
    choices = [dense.of_lab(lab.settings.project)]
    now = dense.network_for
    monkeypatch.setattr(
        compose_up.dense, "network_for", lambda target: choices.pop() if choices else now(target)
    )
    monkeypatch.setattr(capacity, "check", lambda *_: None)  # it looks too, and the choice is for Compose
    with temporary_project(other):
        lifecycle.up(other)
        assert "was taken by another lab meanwhile" in capfd.readouterr().err
        first, second = dense.of_lab(lab.settings.project), dense.of_lab(other.project)
        assert not first.network.overlaps(second.network)
        anew = [{"SOURCES_PER_CLIENT": 1}, {"SOURCES_PER_CLIENT": 32}, {"CLIENTS": second.clients + 1}]
        assert [dense.has_to_move(other.changed(**knobs)) for knobs in anew] == [True] * 3
        assert [dense.has_to_move(other.changed(CLIENTS=n)) for n in (1, second.clients)] == [False] * 2
        moved = lifecycle.up(other.changed(SOURCES_PER_CLIENT=1))
        assert dense.of_lab(other.project) is None
        assert [host.trouble for host in moved] == ["", ""]


def test_what_does_not_fit_is_refused_before_anything_starts(lab: Lab) -> None:
    """More addresses than there are, and more than are free while others have networks there."""
    plan = own_settings(CLIENTS=200, SOURCES_PER_CLIENT=1024)
    refusal = call_on(plan, "up")
    assert refusal.returncode == 2
    assert "198.18.0.0/15, with 1024 source addresses for each, is enough for 127 clients" in refusal.stderr
    refusal = call_on(own_settings(CLIENTS=127, SOURCES_PER_CLIENT=1024), "up")
    network = dense.of_lab(lab.settings.project).network
    assert refusal.returncode == 1
    assert "no part of 198.18.0.0/15 is free for 127 clients with 1024 sources each" in refusal.stderr
    assert f"{lab.settings.project}_lab {network}" in refusal.stderr
    assert hosts.projects(plan.project) == set()
