"""What would stop a host is refused before anything is touched: a running lab stays, a new one is not half-started."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connlab.agent.session import Agent
from connlab.base.errors import NotFit
from connlab.cluster import compose, compose_failure, hosts
from connlab.cluster.compose import ComposeFailed
from tests.support.checkout import checkout, run_copy
from tests.support.laboratory import Lab, lab_of_hosts, own_settings, temporary_project
from tests.support.sockets import peer_ports
from tests.support.variations import VARIATION, then_variations

pytestmark = pytest.mark.xdist_group("trial")  # one lab for all of them, not one in each worker
PROFILE = "services:\n  host:\n    sysctls:\n"
ETH0 = "net.ipv4.conf.eth0.rp_filter"  # not there in a host without a network, and fine in one with it
BAD_KEYS = {
    "net.ipv4.tcp_no_such_thing": ("1", "this kernel has no such setting"),
    "net.ipv4.tcp_mem": (
        "1 2 3",
        "this kernel has no such setting, or none that a network namespace has for itself",
    ),
    "net.ipv4.ip_local_port_range": ("9 x", "the kernel does not take '9 x' (Invalid argument)"),
    "net.ipv4.tcp_fin_timeout": ("0", ""),  # zero is fine: the control
    "net.ipv4.ip_default_ttl": ("300", "the kernel does not take '300' (Invalid argument)"),
}
KEY_PROBLEMS = [f"sysctl/bad.yaml: {key}: {why}" for key, (_, why) in BAD_KEYS.items() if why]
BAD = [
    ({"SYSCTL": "bad"}, KEY_PROBLEMS),
    pytest.param({"CLIENT_SYSCTL": "bad"}, KEY_PROBLEMS, marks=VARIATION),
    pytest.param(
        {"SYSCTL": "machine"},
        ["sysctl/machine.yaml: vm.swappiness: ", "not in a separate kernel namespace"],
        marks=VARIATION,
    ),
    pytest.param(
        {"SERVER_MODE": "unclosed"},
        ["server/modes/unclosed.py, line 1: '(' was never closed"],
        marks=VARIATION,
    ),
    ({"FIREWALL": "broken"}, ["iptables-restore: exit status", "NOWHERE"]),
    pytest.param(
        {"LISTEN": "no-such-name"},
        ["LISTEN=no-such-name: the server cannot bind it: ", "name resolution"],
        marks=VARIATION,
    ),
    pytest.param(
        {"LISTEN": "client"},
        ["LISTEN=client: the server cannot bind it: ", "Cannot assign requested address"],
        marks=VARIATION,
    ),
]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Lab]]:
    """Return a checkout with bad files in it, and its running lab, whose profile names an interface."""
    copy, lab_settings = checkout(tmp_path_factory.mktemp("checkout")), own_settings(CLIENTS=1)
    keys = "".join(f'      {key}: "{value}"\n' for key, (value, _) in BAD_KEYS.items())
    (copy / "sysctl/bad.yaml").write_text(PROFILE + keys)
    (copy / "sysctl/machine.yaml").write_text(f'{PROFILE}      vm.swappiness: "15"\n')
    (copy / "sysctl/eth0.yaml").write_text(f'{PROFILE}      {ETH0}: "1"\n')
    (copy / "server/modes/unclosed.py").write_text("x = (\n")
    (copy / "firewall/broken.rules").write_text(
        "*filter\n-A INPUT -p tcp -m tcp --dport 12345 -j REJECT\n-A INPUT -j NOWHERE\nCOMMIT\n"
    )
    with temporary_project(lab_settings):
        up = run_copy(
            copy, "up", COMPOSE_PROJECT_NAME=lab_settings.project, WORKLOAD="idle", CLIENTS="1", SYSCTL="eth0"
        )
        assert up.returncode == 0, up.stderr
        yield copy, lab_of_hosts(lab_settings, hosts.find(lab_settings.project))


@pytest.fixture(scope="module")
def ports(running: tuple[Path, Lab]) -> Iterator[set[int]]:
    """Return the ports of three connections, which the client holds all the time."""
    with Agent(running[1].clients[0]) as agent:
        yield {attempt.source_port for attempt in agent.open(3)}


@pytest.mark.parametrize(
    ("knobs", "problems"), BAD, ids=lambda value: "-".join(value) if isinstance(value, dict) else ""
)
def test_the_running_lab_stays(
    running: tuple[Path, Lab], ports: set[int], knobs: dict[str, str], problems: list[str]
) -> None:
    """Everything that is wrong in one message, exit status 1; the same containers, and the connections they hold."""
    copy, lab = running
    up = run_copy(copy, "up", COMPOSE_PROJECT_NAME=lab.settings.project, **knobs)
    assert peer_ports(lab.server, lab.settings.port) == ports
    assert "--connlimit-above 15" in lab.server.run(["iptables-save", "-t", "filter"])
    assert (up.returncode, [problem for problem in problems if problem not in up.stderr]) == (1, []), (
        up.stderr
    )
    assert up.stderr.startswith("lab: the running lab was left as it is:\n")
    assert "\n  next: " in up.stderr
    assert "tcp_fin_timeout" not in up.stderr
    assert [(host.id, host.running) for host in hosts.find(lab.settings.project)] == [
        (lab.server.id, True),
        (lab.clients[0].id, True),
    ]


@pytest.mark.parametrize(
    ("knobs", "problems"),
    then_variations(BAD[0], BAD[1], BAD[4]),
    ids=["SYSCTL", "CLIENT_SYSCTL", "FIREWALL"],
)
def test_a_new_lab_is_not_half_started(
    running: tuple[Path, Lab], knobs: dict[str, str], problems: list[str]
) -> None:
    """One message, not one of the engine's for each start that failed; no container, network or volume."""
    lab_settings = own_settings()
    with temporary_project(lab_settings):
        up = run_copy(running[0], "up", COMPOSE_PROJECT_NAME=lab_settings.project, **knobs)
        assert (up.returncode, up.stderr.partition("\n")[0]) == (1, "lab: nothing was started:")
        lines = [line.strip() for line in up.stderr.splitlines()[1:-1]]
        if problems is KEY_PROBLEMS:
            assert len(lines) == len(problems), lines
            assert all(line.startswith(problem) for line, problem in zip(lines, problems, strict=True)), lines
        assert [problem for problem in problems if problem not in up.stderr] == []
        assert "Creating" not in up.stderr
        assert hosts.projects(lab_settings.project) == set()


def test_an_image_that_goes_while_the_lab_comes_up() -> None:
    """Compose says only that it has no image; we say which, and what brings it back."""
    mine = own_settings(CLIENTS=0)
    lab_settings = mine.changed(
        BASE_IMAGE=f"debian:{mine.project}"
    )  # so that its images have names that nobody has
    with temporary_project(lab_settings):
        with pytest.raises(ComposeFailed) as failed:
            compose.run(lab_settings, "up", "-d", "--no-build", quiet=True)
        text = str(compose_failure.explained(failed.value, lab_settings))
        assert text.startswith("the image connlab-server:")
        assert "next: make up" in text


@pytest.mark.parametrize(
    "words",
    [
        "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network",
        "all predefined address pools have been fully subnetted",
    ],
)
def test_an_engine_without_addresses_for_a_network(words: str) -> None:
    """The machine is not fit (3), and the way on; the engine's words are those of 20.10 and of 27."""
    refusal = compose_failure.no_network(words, 31)
    assert isinstance(refusal, NotFit)
    assert "no addresses left for one more network; it has 31" in str(refusal)
    assert "some other words" in str(compose_failure.no_network("some other words", 3))
