"""A client host, read from outside: it can dial, and nothing else."""

from __future__ import annotations

import ipaddress

import pytest
import testinfra

from connlab.agent.session import Agent
from connlab.base.model import events
from connlab.cluster import engine, host_files, hosts, images, one_off, profiles, readiness
from connlab.kernel import snapshot


@pytest.fixture
def client(crowd):
    return testinfra.get_host(f"docker://{crowd.clients[0].id}")


def test_it_is_nobody_in_particular(client) -> None:
    """Its own user, and no capability in any set of PID 1."""
    status = client.file("/proc/1/status").content_string
    assert client.user().name == "connlab"
    assert [line.split()[1] for line in status.splitlines() if line.startswith("Cap")] == ["0" * 16] * 5
    assert "NoNewPrivs:\t1" in status


@pytest.mark.parametrize(
    "change",
    [
        "touch /opt/connlab/client/agent.py",
        "touch /etc/hosts",
        "sh -c 'echo 0 > /proc/sys/net/ipv4/tcp_timestamps'",
        "ip address add 192.0.2.1/32 dev lo",
        "ip link set eth0 down",
        "ip route add 192.0.2.0/24 dev eth0",
    ],
)
def test_it_cannot_alter_anything(client, crowd, change: str) -> None:
    """Not its files, its kernel settings, its addresses or its PID 1."""
    before = crowd.clients[0].inspect()["State"]["StartedAt"]
    assert client.run(change).rc != 0
    assert client.run("ip address show dev lo").stdout.count("192.0.2.1") == 0
    assert crowd.clients[0].inspect()["State"]["StartedAt"] == before


def test_its_kernel_is_set_as_its_profile_says(client, crowd) -> None:
    """Compose's doing, witnessed by sysctl(8), by the host's own events, and by what `lab status` reads."""
    declared = profiles.sysctls(crowd.settings.values["CLIENT_SYSCTL"])
    assert {key: str(client.sysctl(key)) for key in declared} == declared
    profile_events = [event for event in events(crowd.clients[0].log()) if event.event in ("sysctl", "ready")]
    assert [event.event for event in profile_events] == ["sysctl"] * len(declared) + ["ready"]
    applied = {"state": "applied"}
    keys = [{"key": key, "declared": value, "effective": value, **applied} for key, value in declared.items()]
    assert [dict(event.fields) for event in profile_events[:-1]] == keys
    assert snapshot.read_client(crowd.clients[0].run)[0] == keys


def test_it_does_not_start_as_something_else(crowd) -> None:
    """The article's profile declared, and nothing set: the lab is told which key, and the host never was ready."""
    image = images.name(crowd.settings, "client")
    other = crowd.settings.changed(CLIENT_SYSCTL="article")
    environment = {**host_files.environment(other, "client"), "CLIENT_SYSCTL": "article"}
    status, output = one_off.run_once(image, [], environment=environment)
    what = "net.ipv4.tcp_tw_reuse is 2, sysctl/article.yaml declares 1"
    assert (status, readiness.reason(output)) == (1, what)
    assert [event.event for event in events(output)] == ["sysctl", "sysctl", "sysctl_failed"]


def test_it_survives_its_own_kill(crowd) -> None:
    """SIGKILL to everything it may signal, PID 1 included: the host is the same and still serves its agent."""
    host = crowd.clients[1]
    before = host.inspect()["State"]["StartedAt"]
    crowd.agents.close()  # those that are kept for other tests
    host.run(["sh", "-c", "kill -9 -1; kill -9 1"])
    with Agent(host) as agent:
        assert agent.facts().held == 0
    state = host.inspect()["State"]
    assert (state["StartedAt"], state["Status"]) == (before, "running")


def test_it_sees_the_server_by_name_on_a_network_that_leads_nowhere(client, crowd) -> None:
    """One network, an internal one: the engine drops what would leave it (design decision 14)."""
    assert client.addr("server").ipv4_addresses == [crowd.server.address]
    networks = crowd.clients[0].inspect()["NetworkSettings"]["Networks"]
    assert [hosts.is_internal(name) for name in networks] == [True]


def test_the_machine_itself_does_not_answer(client, crowd) -> None:
    """Nor on the address that its bridge would have, nor on that of another bridge; the server does, by its name.

    Without `inhibit_ipv4` the machine answered both: a dial got an RST from a port that nobody listens on.
    """
    (name,) = crowd.clients[0].inspect()["NetworkSettings"]["Networks"]
    ours, another = (
        config["Subnet"]
        for network in (name, "bridge")
        for config in engine.client().api.inspect_network(network)["IPAM"]["Config"]
    )
    first = [str(next(ipaddress.ip_network(subnet).hosts())) for subnet in (ours, another)]
    with crowd.agents.on(crowd.clients[0]) as agent:
        for address in first:
            (attempt,) = agent.open(1, host=address, port=crowd.settings.port, timeout_ms=300)
            assert attempt.outcome in ("timed_out", "unreachable"), address
        assert [attempt.outcome for attempt in agent.open(1)] == ["established"]
        agent.close()
    assert "lladdr" not in client.check_output(f"ip neighbour show {first[0]}")
