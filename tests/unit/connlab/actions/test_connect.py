"""`lab connect` without hosts: what it takes for a target, and its one line for each thing that can happen."""

from __future__ import annotations

import pytest

from connlab.actions.connect import sentence, target, why_unresolved
from connlab.base.errors import Usage
from connlab.cluster.host import Host

RESOLVED = {"resolved": True, "resolver": {"errno": None, "reason": None, "us": 90}, "host": "server"}
RESOLVED |= {"address": "172.18.0.2", "port": 12345, "family": "IPv4", "timeout_us": 2_000_000}
DIALLED = {"source": "172.18.0.3", "source_port": 40112, "us": 312, "errno": None}
DIALLED |= {"rule_packets": 0, "refused_by_policy": 0, "complete": True, "witness": "WITNESS"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("server", "12345"), ("server", 12345)),
        (("server:9", "12345"), ("server", 9)),
        (("172.18.0.2", "1"), ("172.18.0.2", 1)),
        (("a-b.c_d", "65535"), ("a-b.c_d", 65535)),
    ],
)
def test_targets(words, expected) -> None:
    assert target(*words) == expected


@pytest.mark.parametrize(
    "words",
    [
        ("", "1"),
        ("::1", "1"),
        ("server:", "1"),
        ("a b", "1"),
        ("server", "0"),
        ("server", "65536"),
        ("ö", "1"),
    ],
)
def test_what_is_no_target(words) -> None:
    with pytest.raises(Usage):
        target(*words)


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (
            {"outcome": "established"},
            "connected to server (172.18.0.2) port 12345, IPv4, from 172.18.0.3:40112, in 0.3 ms",
        ),
        (
            {"outcome": "established", "host": "172.18.0.2"},
            "connected to 172.18.0.2 port 12345, IPv4, from 172.18.0.3:40112, in 0.3 ms",
        ),
        (
            {"outcome": "refused"},
            "server (172.18.0.2) port 12345 refused after 0.3 ms: not by the policy, so nobody listens there; WITNESS",
        ),
        (
            {"outcome": "refused", "rule_packets": 7},
            "server (172.18.0.2) port 12345 refused after 0.3 ms: not by the policy, so nobody listens there; WITNESS",
        ),
        (
            {"outcome": "refused", "rule_packets": 7, "complete": False},
            "server (172.18.0.2) port 12345 refused after 0.3 ms: by whom is not known; WITNESS",
        ),
        (
            {"outcome": "refused", "rule_packets": 7, "refused_by_policy": None, "complete": False},
            "server (172.18.0.2) port 12345 refused after 0.3 ms: by whom is not known; WITNESS",
        ),
        (
            {"outcome": "refused", "rule_packets": 1, "refused_by_policy": 1},
            "server (172.18.0.2) port 12345 refused after 0.3 ms: by the policy; WITNESS",
        ),
        (
            {"outcome": "refused", "rule_packets": None, "refused_by_policy": None, "complete": False},
            "server (172.18.0.2) port 12345 refused after 0.3 ms: by whom is not known; WITNESS",
        ),
        (
            {"outcome": "timed_out"},
            "server (172.18.0.2) port 12345 is silent: no answer to the SYN within 2 s, "
            "as if it was dropped (not refused); WITNESS",
        ),
        (
            {"outcome": "unreachable", "errno": "EHOSTUNREACH"},
            "server (172.18.0.2) port 12345: unreachable (EHOSTUNREACH) after 0.3 ms; WITNESS",
        ),
    ],
)
def test_one_line_for_each_outcome(result, words) -> None:
    assert sentence({**RESOLVED, **DIALLED, **result}) == words


@pytest.mark.parametrize(
    ("more", "end"),
    [
        ({"cause": None, "next": "another name"}, "\n  next: another name"),
        ({"cause": "server-1 exited (137)", "next": "make up"}, ": server-1 exited (137)\n  next: make up"),
    ],
)
def test_a_name_without_an_address(more, end) -> None:
    resolver = {"errno": "EAI_NONAME", "reason": "Name or service not known", "us": 1_001_000}
    words = "nosuch does not resolve: Name or service not known (EAI_NONAME, after 1001.0 ms); nothing was dialled"
    assert sentence({"host": "nosuch", "resolved": False, "resolver": resolver, **more}) == words + end


def host(service: str, number: int = 1, address: str = "172.18.0.2", state: str = "running") -> Host:
    return Host(f"{service}-{number}", service, number, address, state, "Exited (137) 2 minutes ago")


@pytest.mark.parametrize(
    ("name", "others", "cause", "step"),
    [
        ("server", [host("server", state="exited")], "server-1 is exited (137)", "make up"),
        ("server", [host("server", address="")], "server-1 is not on the lab's network", "make up"),
        ("server", [], "the lab has no server", "make up"),
        ("server", [host("server")], None, "make up"),  # it runs, and the engine has another name for it
        ("nosuch", [host("server", state="exited")], None, "server or client: "),
    ],
    ids=["ended", "off the network", "removed", "without its name", "another name"],
)
def test_why_nobody_has_a_name(name, others, cause, step) -> None:
    """A service's name is missing while all of its hosts are in trouble, and `make up` mends each of these."""
    told = why_unresolved(name, host("client"), [host("client"), *others])
    assert (told["cause"], told["next"].startswith(step)) == (cause, True)


@pytest.mark.parametrize("name", ["server", "nosuch"])
def test_a_client_off_the_network_finds_nobody(name) -> None:
    """Whatever the name is, it is the client that is to be mended."""
    dialler = host("client", address="")
    told = why_unresolved(name, dialler, [dialler, host("server")])
    assert told["cause"] == "client-1 is not on the lab's network"
    assert told["next"].startswith("make up")
