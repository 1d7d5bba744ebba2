"""Mistakes that people make in scripts, each in several ways: what comes of it, by which line (issue 11's cases)."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from tests.support.in_process import call_lab

pytestmark = pytest.mark.usefixtures("shared_sandboxes")


class Kind(NamedTuple):
    """A script, what becomes of the dials to its ports and by which line, and what is found (id, line)."""

    script: str
    ports: dict[int, tuple[str, int | None]]
    findings: set[tuple[str, int | None]]
    exit: int = 0


KINDS = {
    "a log is no limit": Kind(
        """#!/bin/sh
IPT=iptables
$IPT -A INPUT -p tcp --syn --dport 8081 -m connlimit --connlimit-above 4 -j LOG --log-prefix "many: "
$IPT -N COUNT
$IPT -A INPUT -p tcp --syn --dport 8082 -m connlimit --connlimit-above 3 -j COUNT
$IPT -A COUNT -m limit --limit 5/min -j LOG
""",
        {8081: ("E12", None), 8082: ("E12", None)},
        {("log-only", 3), ("log-silent", 3)},
    ),
    "accepted before": Kind(
        """open() {
  iptables -A INPUT -p tcp --dport "$1" -j ACCEPT
}
iptables -P INPUT DROP
open 9001
limit=5
iptables -A INPUT -p tcp --syn --dport 9001 \\
  -m connlimit --connlimit-above $limit -j REJECT
iptables -A INPUT -m state --state NEW,ESTABLISHED -p tcp --dport 9002 -j ACCEPT
iptables -A INPUT -p tcp --dport 9002 -m connlimit --connlimit-above $limit -j DROP
""",
        {9001: ("E12", 2), 9002: ("E12", 9), 8090: ("T10", 4)},
        {("never-reached", 7), ("never-reached", 10), ("unlimited", 2), ("unlimited", 9)},
    ),
    "every packet of every port": Kind(
        """iptables-restore <<X
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -m connlimit --connlimit-above 4 -j REJECT --reject-with tcp-reset
COMMIT
X
""",
        {8081: ("E4 R8", 6), 8082: ("E4 R8", 6)},
        {("ports-share", 6), ("live-reset", 6)},
    ),
    "inserted backwards": Kind(
        """for port in 8081 8082; do
  iptables -I INPUT -p tcp --dport $port --syn -m connlimit --connlimit-above 5 -j DROP
  iptables -I INPUT 1 -p tcp --dport $port -j ACCEPT
done
iptables -I INPUT 2 -p tcp --dport 8083 --syn -m connlimit --connlimit-above 3 -j REJECT --reject-with tcp-reset
""",
        {8081: ("E12", 3), 8082: ("E12", 3), 8083: ("E3 R9", 5)},
        {("never-reached", 2), ("unlimited", 3)},
    ),
    "upside down": Kind(
        """iptables -A INPUT -p tcp --dport 8081 --syn -m connlimit --connlimit-upto 3 -j DROP
iptables -A INPUT -p tcp --dport 8082 --syn -m connlimit ! --connlimit-above 2 -j REJECT --reject-with tcp-reset
""",
        {8081: ("T10", 1), 8082: ("R10", 2)},
        {("upside-down", 1), ("upside-down", 2)},
    ),
    "a rate is no count": Kind(
        """#!/bin/sh -e
iptables -N LIMIT
iptables -A INPUT -p tcp --dport 8081 --syn -j LIMIT
iptables -A LIMIT -m recent --name web --update --seconds 30 --hitcount 4 -j DROP
iptables -A LIMIT -m recent --name web --set -j ACCEPT
""",
        {8081: ("E4 T8", 4)},
        {("rate-not-count", 4), ("bans", 4)},
    ),
    "loaded by half": Kind(
        """iptables -P INPUT DROP
iptables -A INPUT -p tcp --dport 22 -j SSH
iptables -N SSH
iptables -A SSH -j ACCEPT
iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
iptables -A INPUT -p tcp --dport 8081 -j ACCEPT
""",
        {22: ("T10", 1), 8081: ("E12", 6)},
        {("loads-partly", 2)},
        exit=1,
    ),
}


def outcome(row: dict[str, Any]) -> tuple[str, int | None]:
    """Return what became of a row's dials, and the line that decided."""
    return row["pattern"], row["decided_by"]["line"]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.variation
def test_what_a_script_does_and_by_which_line(name, tmp_path):
    """Not what its author thinks."""
    kind = KINDS[name]
    script = tmp_path / "script.sh"
    script.write_text(kind.script)
    ports = [word for port in kind.ports for word in ("--port", str(port))]
    tried = call_lab("try", str(script), "--dials", "12", *ports, "--json")
    answer = json.loads(tried.stdout)
    rows = {row["port"]: outcome(row) for row in answer["ports"] if row["family"] == 4}
    assert {port: rows[port] for port in kind.ports} == kind.ports
    assert kind.findings <= {(found["id"], found["line"]) for found in answer["findings"]}
    assert tried.returncode == kind.exit
