"""The client verbs as a person types them: `lab connect` and `lab sockets`, on real hosts."""

from __future__ import annotations

import json
import subprocess

import pytest

from connlab.actions import socket_kinds
from connlab.agent.session import Agent
from connlab.base import probes
from connlab.base.model import events
from connlab.base.wait import until
from connlab.cluster import engine, hosts, images, one_off
from connlab.kernel import snapshot, tables
from tests.support.in_process import call_on
from tests.support.laboratory import Lab, image, laboratory, server_events
from tests.support.processes import knob_variables, run_make
from tests.support.sockets import tcp_sockets


def make(lab: Lab, *argv: str) -> subprocess.CompletedProcess:
    """Run `make ARGV` on this lab."""
    return run_make(*argv, **knob_variables(lab.settings))


def connect(lab: Lab, *argv: str) -> dict:
    """Return what `lab connect --json` prints, with its exit status as `exit`."""
    result = call_on(lab.settings, "connect", *argv, "--json")
    return {**json.loads(result.stdout), "exit": result.returncode}


def test_connected(crowd: Lab) -> None:
    """The port that the client names is in the server's conntrack table and in its log."""
    result = connect(crowd, "server", "12345", "--client", "3")

    client = crowd.clients[2]
    expected = {"exit": 0, "schema": 1, "client": "client-3", "resolved": True, "outcome": "established"}
    expected |= {"address": crowd.server.address, "family": "IPv4", "source": client.address, "errno": None}
    assert {name: result[name] for name in expected} == expected
    flows = tables.parse_conntrack(crowd.server.run(snapshot.CONNTRACK))
    mine = (client.address, result["source_port"])
    assert [flow.target_port for flow in flows if (flow.source, flow.source_port) == mine] == [12345]
    until(lambda: mine in _accepted(crowd), "the server says so too", within=10)


def test_connected_in_words(crowd: Lab) -> None:
    """The line of the article's program, through make, by default to the server."""
    result = make(crowd, "connect", "CLIENT=2")
    start = f"connected to server ({crowd.server.address}) port 12345, IPv4, from {crowd.clients[1].address}:"
    assert (result.returncode, result.stdout[: len(start)]) == (0, start)


def test_a_closed_port(crowd: Lab, watch) -> None:
    """Refused, and not by the policy: its rules counted nothing, and ss shows no listener there."""
    with watch(crowd.server) as diff:
        command = make(crowd, "connect", "TO=server:9")
        result = connect(crowd, "server", "9")
    assert "port 9 refused after " in command.stdout
    assert "nobody listens there" in command.stdout
    assert (result["exit"], result["outcome"], result["errno"]) == (1, "refused", "ECONNREFUSED")
    assert (result["rule_packets"], result["refused_by_policy"], diff.refused) == (0, 0, 0)
    assert tcp_sockets(crowd.server, 9, "LISTEN") == []


def test_refused_by_the_policy(crowd: Lab, watch) -> None:
    """The same errno, told apart by the second witness."""
    with Agent(crowd.clients[0]) as agent, watch(crowd.server) as diff:
        agent.open(15)
        result = connect(crowd, "server")
    assert (result["exit"], result["outcome"], result["errno"]) == (1, "refused", "ECONNREFUSED")
    assert result["rule_packets"] == result["refused_by_policy"] == diff.refused == 1


def test_a_silent_port_and_a_down_that_takes_a_spare_host_too() -> None:
    """Nothing comes back: `timed_out`, and the DROP rule of this test has counted the SYN.

    The port has a listener, so that without the rule it would answer: checked first. Then a spare host that nobody
    removed, because its `lab sockets` was killed: `down` takes it, the network and all.
    """
    with laboratory(CLIENTS=1) as lab:
        assert connect(lab, "server")["outcome"] == "established"
        lab.server.run(["iptables", "-I", "INPUT", "-p", "tcp", "--dport", "12345", "-j", "DROP"])
        result = connect(lab, "server", "12345", "--timeout", "1")
        in_words = call_on(lab.settings, "connect", "server", "--timeout", "1")
        dropped = [rule for rule in snapshot.read_ruleset(lab.server.run).rules if rule.target == "DROP"]
        killed = one_off.ephemeral_host(lab.settings.project, images.name(lab.settings, "client"), 1, {})
        killed.__enter__()
        assert len(_spare_ids(lab)) == 1
        assert call_on(lab.settings, "down").returncode == 0
        assert hosts.projects(lab.settings.project) == set()
    assert (result["exit"], result["resolved"], result["outcome"]) == (1, True, "timed_out")
    assert (result["errno"], result["rule_packets"] >= 1) == (None, True)
    assert "is silent: no answer to the SYN within 1 s, as if it was dropped" in in_words.stdout
    assert dropped[0].packets >= 2


def test_a_name_that_nobody_has(crowd: Lab, watch) -> None:
    """There is no attempt and so no outcome: not in the answer, not in the host's log."""
    before = _dials(crowd)
    with watch(crowd.server) as diff:
        result = connect(crowd, "nosuch", "12345")
        in_words = call_on(crowd.settings, "connect", "nosuch")
    assert (result["exit"], result["resolved"], result["outcome"]) == (1, False, None)
    assert result["resolver"]["errno"] in ("EAI_AGAIN", "EAI_NONAME")
    assert in_words.stdout.startswith("nosuch does not resolve: ")
    assert _dials(crowd) == before
    assert diff.counter("TcpPassiveOpens") == 0


@pytest.mark.parametrize("argv", [["::1", "1"], ["server", "0"], ["server", "--timeout", "0"], ["x y"]])
def test_what_makes_no_sense(crowd: Lab, argv: list[str]) -> None:
    """Exit status 2 and why, before anything is dialled."""
    result = call_on(crowd.settings, "connect", *argv)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("lab: ")


def test_raw_sockets_need_just_that_capability() -> None:
    """The control for `needs CAP_NET_RAW`: with it, and nothing else changed, they are made."""
    python, *options = probes.argv(socket_kinds.PROBE)
    raw = []
    for capabilities in ([], ["NET_RAW"]):
        status, output = one_off.run_once(
            image("client"), options, entrypoint=python, user="root", cap_add=capabilities
        )
        assert status == 0, output
        kinds = json.loads(output)["tried"]
        raw.append([socket_kinds.describe_errno(row["errno"]) for row in kinds if row["protocol"]])
    assert raw == [["needs CAP_NET_RAW"] * 2, ["supported"] * 2]


def test_sockets_leaves_nothing_behind(crowd: Lab) -> None:
    """The spare hosts are gone, and the lab is the one from before."""
    before = [host.id for host in hosts.find(crowd.settings.project)]
    result = make(crowd, "sockets", "CLIENT=3")
    assert result.returncode == 0, result.stderr
    assert "client-3 to server-1, " in result.stdout
    assert "spare-1 to spare-2, " in result.stdout
    assert [host.id for host in hosts.find(crowd.settings.project)] == before
    assert _spare_ids(crowd) == []


def test_sockets_on_a_kernel_without_ipv6(crowd: Lab, monkeypatch) -> None:
    """The spare hosts do not start: said in the engine's words, nothing left, the rest of the table stands."""
    monkeypatch.setattr(socket_kinds, "IPV6_ON", {"net.ipv6.conf.absent.disable_ipv6": "0"})
    rows = socket_kinds.try_socket_kinds(crowd.settings, 1)["exchanged"]
    failed = [row for row in rows if not row["came_back"]]
    assert {row["family"] for row in failed} == {"AF_INET6"}
    assert [row["type"] for row in failed] == ["SOCK_STREAM", "SOCK_DGRAM"]
    assert "net/ipv6/conf/absent/disable_ipv6" in failed[0]["error"]
    assert _spare_ids(crowd) == []


def test_the_labs_own_hosts_have_no_ipv6(crowd: Lab) -> None:
    """So nothing reaches the server around its IPv4 rules; the control: a spare host has an address."""
    command = ["ip", "-6", "-o", "address"]
    with one_off.ephemeral_host(
        crowd.settings.project, images.name(crowd.settings, "client"), 1, socket_kinds.IPV6_ON
    ) as spare:
        assert "fe80::" in spare.run(command)
        assert [host.run(command) for host in (crowd.server, crowd.clients[0])] == ["", ""]


def _spare_ids(lab: Lab) -> list[str]:
    """List the containers of the project that are none of its hosts."""
    host_ids = {host.id for host in hosts.find(lab.settings.project)}
    listed = engine.client().api.containers(
        all=True, filters={"label": f"{hosts.PROJECT}={lab.settings.project}"}
    )
    return [entry["Id"] for entry in listed if entry["Id"] not in host_ids]


def _accepted(lab: Lab) -> set[tuple[str, int]]:
    """Return source and port of each connection that the server has accepted."""
    accepted = server_events(lab, "accepted")
    return {(event.fields["source"], event.fields["source_port"]) for event in accepted}


def _dials(lab: Lab) -> int:
    """Count the dials of client-1, by its log."""
    return sum(event.event == "attempt" for event in events(lab.clients[0].log()))
