"""Policies as files: one that limits nothing, one that would open the port unawares, one whose limit is a network's.

client-1 ──┐
client-2 ──┴── bridge ── server   FIREWALL=none, then a file of one's own
"""

from __future__ import annotations

import json
from pathlib import Path

from connlab.agent.session import agents
from connlab.base.model import Outcome, tally
from connlab.cluster import hosts
from tests.support.in_process import call_on
from tests.support.laboratory import own_settings, temporary_project

SYN = "-p tcp -m tcp --dport ${PORT} --tcp-flags FIN,SYN,RST,ACK SYN"
LIMIT = "-m connlimit --connlimit-above ${CONNLIMIT} --connlimit-mask 16 --connlimit-saddr"
OPEN = "# -A INPUT -p tcp --dport 12345 -j REJECT\n*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n"
CHAINS = ":INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]"
NETWORK = f'*filter\n{CHAINS}\n-A INPUT {SYN} -m comment --comment "no -j ACCEPT" {LIMIT} -j DROP\nCOMMIT\n'


def test_what_a_policy_limits_is_what_its_rules_say(tmp_path: Path) -> None:
    """`none` admits all and says so; a file that refuses nothing is refused and the lab stays.

    A limit for a network is told in the rule's own words, never as CONNLIMIT for each source, and DROP counts.
    """
    mine = own_settings(CLIENTS=2)
    with temporary_project(mine):
        assert call_on(mine, "up", FIREWALL="none").returncode == 0
        status = json.loads(call_on(mine, "status", "--json").stdout)
        assert (status["policy"]["state"], status["server"]["limit"], status["rules"]) == ("none", None, [])
        attempt = call_on(mine, "attempt", "--count", "17")
        assert attempt.returncode == 0, attempt.stderr
        assert "17 established" in attempt.stdout

        (before,) = hosts.find(mine.project, "server")
        (tmp_path / "open.rules").write_text(OPEN)
        refused_up = call_on(mine, "up", FIREWALL=str(tmp_path / "open.rules"))
        assert refused_up.returncode == 1
        assert "open.rules refuses anything on the way to port 12345" in refused_up.stderr
        (after,) = hosts.find(mine.project, "server")
        assert (after.id, after.running) == (before.id, True)

        (tmp_path / "network.rules").write_text(NETWORK)
        assert call_on(mine, "up", FIREWALL=str(tmp_path / "network.rules")).returncode == 0
        text = call_on(mine, "status").stdout
        assert "network.rules, in force: connlimit above 15, mask 16, source: DROP" in text
        assert "15 connections per source" not in text
        with agents(hosts.find(mine.project, "client")) as (one, other):
            attempts = [*one.open(10), *other.open(6, timeout_ms=300)]
        assert tally(attempts) == {Outcome.ESTABLISHED: 15, Outcome.TIMED_OUT: 1}
        status = json.loads(call_on(mine, "status", "--json").stdout)
        assert (status["policy"]["state"], status["server"]["limit"]) == ("in_force", None)
        assert status["server"]["refused"] == 1
