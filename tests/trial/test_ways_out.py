"""Limits on the server's own connections, in chains of OUTPUT: dialled until they are met."""

from __future__ import annotations

import json

import pytest

from tests.support.in_process import call_lab
from tests.support.variations import then_variations

pytestmark = pytest.mark.usefixtures("shared_sandboxes")
BY_IPTABLES = """*filter
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:EGRESS - [0:0]
-A INPUT -p tcp --dport 443 --syn -m connlimit --connlimit-above 3 --connlimit-mask 32 -j REJECT --reject-with tcp-reset
-A OUTPUT -p tcp --syn -m multiport --dports 443,25 -j EGRESS
-A EGRESS -p tcp --dport 443 -m connlimit --connlimit-above 40 --connlimit-daddr -j REJECT --reject-with tcp-reset
-A EGRESS -p tcp --dport 25 -m connlimit --connlimit-above 24 --connlimit-daddr -j DROP
COMMIT
"""
BY_NFT = """table inet guard {
  chain out {
    type filter hook output priority 0
    tcp dport 443 ct state new ct count over 30 counter reject with tcp reset
    tcp dport 25 ct state new limit rate over 1/minute burst 20 packets drop
  }
}
"""


@pytest.mark.parametrize(
    ("text", "decided"),
    then_variations((BY_IPTABLES, {7: 10, 8: 10}), (BY_NFT, {4: 20, 5: 20})),
    ids=["iptables", "nft"],
)
def test_a_limit_on_the_way_out_is_met(text, decided, tmp_path):
    """Ten dials beyond it are refused, over each family that it is about; nothing is said not to be tried."""
    rules = tmp_path / "out"
    rules.write_text(text)
    answer = json.loads(call_lab("try", str(rules), "--dials", "40", "--json").stdout)
    assert {each["line"]: each["decided"] for each in answer["rules"] if each["line"] in decided} == decided
    assert [each["line"] for each in answer["findings"] if each["id"] == "never-reached"] == []
    assert answer["files"][0]["messages"] == []
