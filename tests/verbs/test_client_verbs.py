"""The client verbs as a person types them: `lab connect` and `lab sockets`, on real hosts."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator

import pytest

from connlab.actions import socket_kinds
from connlab.agent.session import Agent
from connlab.base import probes
from connlab.base.model import events
from connlab.base.wait import until
from connlab.cluster import engine, hosts, images, one_off
from connlab.kernel import snapshot, tables
from tests.support.in_process import call_on
from tests.support.laboratory import Lab, image, server_events
from tests.support.processes import knob_variables, run_make
from tests.support.sockets import tcp_sockets


def make(lab: Lab, *argv: str) -> subprocess.CompletedProcess:
    """Run `make ARGV` on this lab."""
    return run_make(*argv, **knob_variables(lab.settings))


def connect(lab: Lab, *argv: str) -> dict:
    """Return what `lab connect --json` prints, with its exit status as `exit`."""
    result = call_on(lab.settings, "connect", *argv, "--json")
    return {**json.loads(result.stdout), "exit": result.returncode}


@contextlib.contextmanager
def dropping_rule(lab: Lab) -> Iterator[None]:
    """Have the server drop all that comes to its port, ahead of the policy."""
    rule = ["INPUT", "-p", "tcp", "--dport", str(lab.settings.port), "-j", "DROP"]
    lab.server.run(["iptables", "-I", *rule])
    try:
        yield
    finally:
        lab.server.run(["iptables", "-D", *rule])


def test_connected(trio: Lab) -> None:
    """The port that the client names is in the server's conntrack table and in its log."""
    result = connect(trio, "server", "12345", "--client", "3")

    client = trio.clients[2]
    expected = {"exit": 0, "schema": 1, "client": "client-3", "resolved": True, "outcome": "established"}
    expected |= {"address": trio.server.address, "family": "IPv4", "source": client.address, "errno": None}
    assert {name: result[name] for name in expected} == expected
    flows = tables.parse_conntrack(trio.server.run(snapshot.CONNTRACK))
    mine = (client.address, result["source_port"])
    assert [flow.target_port for flow in flows if (flow.source, flow.source_port) == mine] == [12345]
    until(lambda: mine in _accepted(trio), "the server says so too", within=10)


def test_connected_in_words(trio: Lab) -> None:
    """The line of the article's program, through make, by default to the server."""
    result = make(trio, "connect", "CLIENT=2")
    start = f"connected to server ({trio.server.address}) port 12345, IPv4, from {trio.clients[1].address}:"
    assert (result.returncode, result.stdout[: len(start)]) == (0, start)


def test_a_closed_port(trio: Lab, watch) -> None:
    """Refused, and not by the policy: its rules counted nothing, and ss shows no listener there."""
    with watch(trio.server) as diff:
        command = make(trio, "connect", "TO=server:9")
        result = connect(trio, "server", "9")
    assert "port 9 refused after " in command.stdout
    assert "nobody listens there" in command.stdout
    assert (result["exit"], result["outcome"], result["errno"]) == (1, "refused", "ECONNREFUSED")
    assert (result["rule_packets"], result["refused_by_policy"], diff.refused) == (0, 0, 0)
    assert tcp_sockets(trio.server, 9, "LISTEN") == []


def test_refused_by_the_policy(trio: Lab, watch) -> None:
    """The same errno, told apart by the second witness."""
    with Agent(trio.clients[0]) as agent, watch(trio.server) as diff:
        agent.open(15)
        result = connect(trio, "server")
    assert (result["exit"], result["outcome"], result["errno"]) == (1, "refused", "ECONNREFUSED")
    assert result["rule_packets"] == result["refused_by_policy"] == diff.refused == 1


def test_a_silent_port(trio: Lab) -> None:
    """Nothing comes back: `timed_out`, and the DROP rule of this test has counted the SYN.

    The port has a listener, so that without the rule it would answer: checked first.
    """
    assert connect(trio, "server")["outcome"] == "established"
    with dropping_rule(trio):
        result = connect(trio, "server", "12345", "--timeout", "1")
        in_words = call_on(trio.settings, "connect", "server", "--timeout", "1")
        dropped = [rule for rule in snapshot.read_ruleset(trio.server.run).rules if rule.target == "DROP"]
    assert (result["exit"], result["resolved"], result["outcome"]) == (1, True, "timed_out")
    assert (result["errno"], result["rule_packets"] >= 1) == (None, True)
    assert "is silent: no answer to the SYN within 1 s, as if it was dropped" in in_words.stdout
    assert dropped[0].packets >= 2


def test_a_name_that_nobody_has(trio: Lab, watch) -> None:
    """There is no attempt and so no outcome: not in the answer, not in the host's log."""
    before = _dials(trio)
    with watch(trio.server) as diff:
        result = connect(trio, "nosuch", "12345")
        in_words = call_on(trio.settings, "connect", "nosuch")
    assert (result["exit"], result["resolved"], result["outcome"]) == (1, False, None)
    assert result["resolver"]["errno"] in ("EAI_AGAIN", "EAI_NONAME")
    assert in_words.stdout.startswith("nosuch does not resolve: ")
    assert result["cause"] is None
    assert in_words.stdout.endswith(
        "  next: server or client: hosts of the lab have these names; make status\n"
    )
    assert _dials(trio) == before
    assert diff.counter("TcpPassiveOpens") == 0


@pytest.mark.parametrize("argv", [["::1", "1"], ["server", "0"], ["server", "--timeout", "0"], ["x y"]])
def test_what_makes_no_sense(trio: Lab, argv: list[str]) -> None:
    """Exit status 2 and why, before anything is dialled."""
    result = call_on(trio.settings, "connect", *argv)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("lab: ")


@pytest.mark.variation
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


@pytest.mark.variation
def test_sockets_leaves_nothing_behind(trio: Lab) -> None:
    """The spare hosts are gone, and the lab is the one from before."""
    before = [host.id for host in hosts.find(trio.settings.project)]
    result = make(trio, "sockets", "CLIENT=3")
    assert result.returncode == 0, result.stderr
    assert "client-3 to server-1, " in result.stdout
    assert "spare-1 to spare-2, " in result.stdout
    assert [host.id for host in hosts.find(trio.settings.project)] == before
    assert _spare_ids(trio) == []


@pytest.mark.variation
def test_sockets_on_a_kernel_without_ipv6(trio: Lab, monkeypatch) -> None:
    """The spare hosts do not start: said in the engine's words, nothing left, the rest of the table stands."""
    monkeypatch.setattr(socket_kinds, "IPV6_ON", {"net.ipv6.conf.absent.disable_ipv6": "0"})
    rows = socket_kinds.try_socket_kinds(trio.settings, 1)["exchanged"]
    failed = [row for row in rows if not row["came_back"]]
    assert {row["family"] for row in failed} == {"AF_INET6"}
    assert [row["type"] for row in failed] == ["SOCK_STREAM", "SOCK_DGRAM"]
    assert "net/ipv6/conf/absent/disable_ipv6" in failed[0]["error"]
    assert _spare_ids(trio) == []


def test_the_labs_own_hosts_have_no_ipv6(trio: Lab) -> None:
    """So nothing reaches the server around its IPv4 rules; the control: a spare host has an address."""
    command = ["ip", "-6", "-o", "address"]
    with one_off.ephemeral_host(
        trio.settings.project, images.name(trio.settings, "client"), 1, socket_kinds.IPV6_ON
    ) as spare:
        assert "fe80::" in spare.run(command)
        assert [host.run(command) for host in (trio.server, trio.clients[0])] == ["", ""]


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
