"""The verbs on real containers: what they promise a newcomer, and what they refuse."""

from __future__ import annotations

import contextlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from connlab.actions import attempt as attempts
from connlab.agent.session import Agent
from connlab.base import errors, settings
from connlab.base.model import Outcome, tally
from connlab.cluster import (
    compose,
    engine,
    engine_machine,
    hosts,
    images,
    lifecycle,
    profiles,
    readiness,
    removal,
)
from connlab.cluster.host import Host
from connlab.kernel import snapshot
from tests.support.in_process import call_on
from tests.support.laboratory import Lab, laboratory, own_settings, temporary_project
from tests.support.processes import run_lab, run_program
from tests.support.sockets import peer_ports


def test_scaling_leaves_the_server_and_its_connections_alone() -> None:
    """Up and down, to one and to none: same server container, same established connections.

    `make up` after `make scale-clients` keeps the number of clients, unless CLIENTS is given.
    """
    with laboratory(CLIENTS=2) as lab, Agent(lab.clients[0]) as agent:
        ports = {attempt.source_port for attempt in agent.open(5)}
        plain = settings.checked(lab.settings.values, lab.settings.explicit - {"CLIENTS"}, lab.settings.menu)
        changes = (
            (lambda: lifecycle.scale(lab.settings, 3), 3),
            (lambda: lifecycle.up(plain), 3),
            (lambda: lifecycle.up(lab.settings), 2),
            (lambda: lifecycle.scale(lab.settings, 1), 1),
        )
        for change, clients in changes:
            hosts_now = change()
            client_names = [f"client-{number + 1}" for number in range(clients)]
            assert [host.name for host in hosts_now] == ["server-1", *client_names]
            assert hosts_now[0].id == lab.server.id
            assert peer_ports(lab.server, lab.settings.port) == ports
        assert len(lifecycle.scale(lab.settings, 0)) == 1


def test_two_at_once_converge_and_down_leaves_nothing() -> None:
    """A second `make up` while one runs waits for it; both end well, with one lab.

    After `lab down` neither a container nor a network of the project exists. On an old engine each host was off the
    network, which they leave in turn, before it was ended: two at a moment can make it stand still for ever
    (moby/moby#46661).
    """
    lab_settings = own_settings()
    with temporary_project(lab_settings), ThreadPoolExecutor(2) as pool:
        knobs = {"COMPOSE_PROJECT_NAME": lab_settings.project, "WORKLOAD": "idle", "CLIENTS": "2"}
        results = list(pool.map(lambda _: run_lab("up", **knobs), range(2)))

        assert [result.returncode for result in results] == [0, 0], [result.stderr for result in results]
        lab_hosts = hosts.find(lab_settings.project)
        assert len(lab_hosts) == 3
        assert "client-2" in results[0].stdout
        assert "make attempt" in results[0].stdout

        assert hosts.projects(lab_settings.project) == {lab_settings.project}
        began = engine_machine.now()
        assert call_on(lab_settings, "down").returncode == 0
        assert hosts.projects(lab_settings.project) == set()

    steps = [step for step in _steps(lab_hosts, began) if step[0] in ("kill", "disconnect")]
    names = ["client-1", "client-2", "server-1"]
    assert {*steps} == {(step, name) for name in names for step in ("kill", "disconnect")}
    parted_first = [steps.index(("disconnect", name)) < steps.index(("kill", name)) for name in names]
    assert all(parted_first) or engine.at_least(engine.version(), engine.PARTS_AT_ONCE)


@pytest.mark.variation
def test_plain_compose_gives_the_same_lab() -> None:
    """`docker-compose up -d --build --scale client=2`: from its own images, ready, and the limit is enforced.

    They hold policy, profiles and modes, and are named anew here, so that nobody else's are built over.
    """
    lab_settings = own_settings(CLIENT_SYSCTL="article")
    names = {service: f"connlab-{service}:plain-test-{os.getpid()}" for service in images.SERVICES}
    image_variables = {f"{service.upper()}_IMAGE": name for service, name in names.items()}
    argv = [*compose.command(), "up", "-d", "--build", "--scale", "client=2"]
    with temporary_project(lab_settings), contextlib.ExitStack() as afterwards:
        for name in names.values():
            afterwards.callback(engine.remove_image, name)
        afterwards.callback(removal.remove_project, lab_settings.project)
        environment = {**engine.environment(), **lab_settings.values, **image_variables}
        result = run_program(argv, env=environment)
        assert result.returncode == 0, result.stderr
        lab_hosts = readiness.wait_until_ready(lab_settings.project, 2)
        assert {name for host in lab_hosts for name in [host.inspect()["Config"]["Image"]]} == {
            *names.values()
        }
        with Agent(lab_hosts[1]) as agent:
            assert tally(agent.open(20)) == {Outcome.ESTABLISHED: 15, Outcome.REFUSED: 5}
        states = [(key["key"], key["state"]) for key in snapshot.read_client(lab_hosts[2].run)[0]]
        assert states == [
            (key, "applied" if key in profiles.sysctls("article") else "absent") for key, _ in states
        ]
        assert len(states) == 3


def test_attempt_on_a_fresh_lab_and_each_host_has_its_own_profile() -> None:
    """Twenty dials from client 2, while both workloads run: fifteen, five, and five refusals of this source.

    What the kernel starts with on the server, the article's on a client: declared, effective and told.
    """
    with laboratory(SYSCTL="stock", CLIENT_SYSCTL="article", WORKLOAD="burst", CLIENTS=2) as lab:
        result = call_on(lab.settings, "attempt", "--client", "2", "--count", "20")
        assert result.returncode == 0, result.stderr
        assert "15 established, 5 refused; the server reported 5 refusals of this source" in result.stdout

        result = call_on(lab.settings, "status")
        assert result.returncode == 0, result.stderr
        lines = [line.split() for line in result.stdout.splitlines()]
        assert [line for line in lines if len(line) == 5 and line[1].startswith("net.")] == [
            ["server-1", "net.ipv4.tcp_tw_reuse", "2", "2", "applied"],
            ["server-1", "net.ipv4.tcp_fin_timeout", "60", "60", "applied"],
            ["client-1", "net.ipv4.tcp_tw_recycle", "1", "-", "absent"],
            ["client-1", "net.ipv4.tcp_tw_reuse", "1", "1", "applied"],
            ["client-1", "net.ipv4.tcp_fin_timeout", "15", "15", "applied"],
        ]
        scaled = call_on(lab.settings, "scale", "0", "--json")
        assert json.loads(scaled.stdout)["client_sysctls"] is None, "scale asks no client"
        assert json.loads(call_on(lab.settings, "status", "--json").stdout)["client_sysctls"] == []


def test_a_client_that_does_not_exist(trio: Lab) -> None:
    """`make attempt CLIENT=99`: says which there are, exit code 2."""
    with pytest.raises(errors.Usage, match="there is no client 99; running clients: 1, 2, 3"):
        attempts.attempt(trio.settings, 99, 1, 0)


def _steps(lab_hosts: list[Host], began: datetime) -> list[tuple[str, str]]:
    """List what the engine did to these hosts since, and to their place in the network: (action, name)."""
    names = {host.id: host.name for host in lab_hosts}
    ended = engine_machine.now() + timedelta(seconds=1)  # the engine is asked in whole seconds
    steps = []
    for event in engine.client().events(since=began, until=ended, decode=True):
        host = event["Actor"]["Attributes"].get("container", event["Actor"]["ID"])
        if host in names and event["timeNano"] > began.timestamp() * 1e9:
            steps.append((event["Action"], names[host]))
    return steps
