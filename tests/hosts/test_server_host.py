"""The server host is what the lab says it is, read from outside with testinfra."""

from __future__ import annotations

import pytest
import testinfra

RULE = (
    "-A INPUT -p tcp -m tcp --dport 12345 --tcp-flags FIN,SYN,RST,ACK SYN -m connlimit "
    "--connlimit-above 15 --connlimit-mask 32 --connlimit-saddr -j REJECT --reject-with tcp-reset"
)


@pytest.fixture
def server(crowd):
    return testinfra.get_host(f"docker://root@{crowd.server.id}")


@pytest.fixture
def pid_1(server) -> dict[str, str]:
    """Return /proc/1/status: what the server process itself may do (proc(5))."""
    lines = server.file("/proc/1/status").content_string.splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def test_the_articles_rule_is_in_force_once_in_canonical_form(server) -> None:
    assert server.iptables.rules("filter", "INPUT").count(RULE) == 1
    assert server.iptables.rules("filter", "INPUT") == ["-P INPUT ACCEPT", RULE]


@pytest.mark.parametrize(("key", "value"), [("net.ipv4.tcp_tw_reuse", 1), ("net.ipv4.tcp_fin_timeout", 15)])
def test_the_articles_sysctls_are_effective(server, key: str, value: int) -> None:
    assert server.sysctl(key) == value


def test_tcp_tw_recycle_does_not_exist(server) -> None:
    """Removed in Linux 4.12 (T16): the third of the article's lines."""
    assert not server.file("/proc/sys/net/ipv4/tcp_tw_recycle").exists


def test_it_listens_on_every_ipv4_address(server) -> None:
    assert server.socket("tcp://0.0.0.0:12345").is_listening


def test_the_server_process_has_no_privileges(pid_1) -> None:
    """Not root, no capability in any set, none to be gained."""
    assert pid_1["Uid"].split() == ["10001"] * 4
    assert {pid_1[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert pid_1["NoNewPrivs"] == "1"
    assert pid_1["Seccomp"] == "2"


def test_the_servers_user_cannot_touch_the_policy(crowd) -> None:
    """The same credentials as PID 1: iptables refuses, and the rule stays."""
    user = testinfra.get_host(f"docker://connlab@{crowd.server.id}")
    assert user.run("iptables -F").rc != 0
    assert RULE in crowd.server.run(["iptables", "-S", "INPUT"])


def test_the_container_is_hardened(crowd) -> None:
    """CIS Docker 5.x as far as it applies: the live container, not the file that made it."""
    servers = {"NET_ADMIN", "SETGID", "SETPCAP", "SETUID"}
    for host, added in ((crowd.server, servers), (crowd.clients[0], set())):
        config = host.inspect()["HostConfig"]
        assert config["CapDrop"] == ["ALL"]
        assert {cap.removeprefix("CAP_") for cap in config["CapAdd"] or []} == added
        assert config["SecurityOpt"] == ["no-new-privileges:true"]
        assert config["ReadonlyRootfs"]
        assert not config["Privileged"]
        assert not config["PortBindings"]
        assert 0 < config["PidsLimit"] <= 4096
        assert 0 < config["Memory"] <= 512 << 20
        assert config["NanoCpus"] > 0
