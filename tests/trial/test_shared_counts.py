"""Ports that use one count: with limits of their own, with none, by one rule and by several that fill one set."""

from __future__ import annotations

import json

import pytest

from tests.support.in_process import call_lab
from tests.support.variations import then_variations

pytestmark = pytest.mark.usefixtures("shared_sandboxes")
REJECT = "-j REJECT --reject-with tcp-reset"
HEAD = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
# 443 is refused by a count of all SYNs; 80 has a limit of its own that is higher.
BY_A_CHAIN = f"""{HEAD}:ALL - [0:0]
:MANY - [0:0]
-A INPUT -p tcp --syn -j ALL
-A INPUT -p tcp --dport 80 --syn -m connlimit --connlimit-above 20 --connlimit-mask 32 {REJECT}
-A ALL -m connlimit --connlimit-above 5 --connlimit-mask 32 -j MANY
-A MANY -p tcp --dport 443 {REJECT}
COMMIT
"""
ONE_OF_BOTH = f"""{HEAD}-A INPUT -p tcp --dport 443 --syn -m connlimit --connlimit-above 5 --connlimit-mask 32 {REJECT}
-A INPUT -p tcp -m multiport --dports 80,443 --syn -m connlimit --connlimit-above 12 --connlimit-mask 32 {REJECT}
COMMIT
"""
ONE_RULE = f"""{HEAD}-A INPUT -p tcp -m multiport --dports 80,443 --syn -m connlimit --connlimit-above 12 {REJECT}
COMMIT
"""
ONE_SET = """table inet f {
  set conns { type ipv4_addr; size 65535; flags dynamic; }
  chain in {
    type filter hook input priority 0; policy accept;
    tcp dport 443 ct state new add @conns { ip saddr ct count over 5 } reject with tcp reset
    tcp dport 80 ct state new add @conns { ip saddr ct count over 20 } reject with tcp reset
  }
}
"""
TAKES_443, TAKES_80 = (
    "port 443: connections to port 80 take places of its limit of 5",
    "port 80: connections to port 443 take places of its limit of 12",
)
TAKES_IN = "port {}: the count takes in connections to port {}, which the rule does not name"


@pytest.mark.parametrize(
    ("text", "ports", "told"),
    then_variations(
        (BY_A_CHAIN, {443: [80, 443, 8090], 80: [80], 8090: [8090]},
         [("port 443: connections to ports 80 and 8090 take places of its limit of 5", 10)]),
        (ONE_OF_BOTH, {443: [80, 443], 80: [80, 443]}, [(TAKES_443, 6), (TAKES_80, 6)]),
        (ONE_RULE, {443: [80, 443], 80: [80, 443]}, [("ports 80 and 443 share one limit of 12", 5)]),
        (ONE_SET, {443: [80, 443], 80: [80, 443]}, [(TAKES_IN.format(443, 80), 5), (TAKES_IN.format(80, 443), 6)]),
    ),
    ids=["chain", "one of both", "one rule", "one set"],
)  # fmt: skip
def test_who_uses_whose_count_is_found(text, ports, told, tmp_path):
    """Each limit by its own number, and the line that refuses while the other port is full."""
    path = tmp_path / "rules"
    path.write_text(text)
    answer = json.loads(call_lab("try", str(path), "--json").stdout)
    rows = {row["port"]: row["ports"] for row in answer["ports"] if row["family"] == 4}
    assert {port: rows[port] for port in ports} == ports
    found = [
        (each["text"], each["line"]) for each in answer["findings"]
        if each["id"] in ("ports-share", "counts-elsewhere") and each["family"] == 4
    ]  # fmt: skip
    assert sorted(found) == sorted(told)
