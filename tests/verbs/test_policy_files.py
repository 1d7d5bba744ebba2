"""Policies as files: one that limits nothing, one that would open the port unawares, one whose limit is a network's.

client-1 ──┐
client-2 ──┴── bridge ── server   FIREWALL=none, then a file of one's own
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from connlab.agent.session import agents
from connlab.base import settings
from connlab.base.model import Outcome, tally
from connlab.cluster import hosts
from tests.support.checkout import checkout, run_copy
from tests.support.laboratory import own_settings, temporary_project

ESTABLISHED = Outcome.ESTABLISHED
SYN = "-p tcp -m tcp --dport ${PORT} --tcp-flags FIN,SYN,RST,ACK SYN"
LIMIT = "-m connlimit --connlimit-above ${CONNLIMIT} --connlimit-mask 16 --connlimit-saddr"
CHAINS = ":INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]"
NETWORK = f'*filter\n{CHAINS}\n-A INPUT {SYN} -m comment --comment "no -j ACCEPT" {LIMIT} -j DROP\nCOMMIT\n'


@pytest.fixture
def lab(tmp_path: Path):
    """Return settings, a folder of policies and `lab` of a copy of this checkout, on a project of our own."""
    lab_settings, copy = own_settings(CLIENTS=2), checkout(tmp_path)

    def run(*argv: str, **knobs: str) -> subprocess.CompletedProcess:
        return run_copy(copy, *argv, **{**lab_settings.values, **knobs})

    with temporary_project(lab_settings):
        yield lab_settings, copy / "firewall", run


def test_what_a_policy_limits_is_what_its_rules_say(lab: tuple[settings.Settings, Path, object]) -> None:
    """`none` admits all and says so; a file that refuses nothing is refused and the lab stays.

    A limit for a network is told in the rule's own words, never as CONNLIMIT for each source, and DROP counts.
    """
    lab_settings, files, run = lab
    assert run("up", FIREWALL="none").returncode == 0
    status_json = json.loads(run("status", "--json", FIREWALL="none").stdout)
    assert (status_json["policy"]["state"], status_json["server"]["limit"]) == ("none", None)
    assert status_json["rules"] == []
    attempt = run("attempt", "--count", "17")
    assert attempt.returncode == 0, attempt.stderr
    assert "17 established" in attempt.stdout

    (before,) = hosts.find(lab_settings.project, "server")
    rules = "# -A INPUT -p tcp --dport 12345 -j REJECT\n*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n"
    (files / "open.rules").write_text(rules)
    refused_up = run("up", FIREWALL="open")
    assert refused_up.returncode == 1
    assert "of open refuses anything on the way to port 12345" in refused_up.stderr
    (after,) = hosts.find(lab_settings.project, "server")
    assert (after.id, after.running) == (before.id, True)

    (files / "network.rules").write_text(NETWORK)
    assert run("up", FIREWALL="network").returncode == 0
    text = run("status", FIREWALL="network")
    assert "network, in force: connlimit above 15, mask 16, source: DROP" in text.stdout
    assert "15 connections per source" not in text.stdout
    clients = hosts.find(lab_settings.project, "client")
    with agents(clients) as (one, other):
        attempts = [*one.open(10), *other.open(6, timeout_ms=300)]
    assert tally(attempts) == {ESTABLISHED: 15, Outcome.TIMED_OUT: 1}
    status_json = json.loads(run("status", "--json", FIREWALL="network").stdout)
    assert (status_json["policy"]["state"], status_json["server"]["limit"]) == ("in_force", None)
    assert status_json["server"]["refused"] == 1
