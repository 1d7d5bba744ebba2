"""Rates tried as counts of connections: what would do what was probably meant."""

from __future__ import annotations

import json

import pytest

from tests.support.in_process import call_lab
from tests.support.variations import then_variations

pytestmark = pytest.mark.usefixtures("shared_sandboxes")
BY_IPTABLES = """*filter
:INPUT ACCEPT [0:0]
-A INPUT -p tcp --dport 443 -m conntrack --ctstate NEW -m limit --limit 10/min --limit-burst 7 -j ACCEPT
-A INPUT -p tcp --dport 443 -m conntrack --ctstate NEW -j REJECT --reject-with tcp-reset
COMMIT
"""
BY_NFT = """table ip f {
  set seen { type ipv4_addr; size 65535; flags dynamic; timeout 1m; }
  chain in {
    type filter hook input priority 0; policy accept;
    tcp dport 443 ct state new update @seen { ip saddr limit rate over 6/minute burst 3 packets } drop
  }
}
"""


@pytest.mark.parametrize(
    ("text", "instead"),
    then_variations(
        (BY_IPTABLES, {"text": "with `-m connlimit --connlimit-upto 7` in place of `-m limit`", "pattern": "E7 R10"}),
        (BY_NFT, {"text": "with `add @sources { ip saddr ct count over 3 }` in place of `limit rate`",
                  "pattern": "E3 T10"}),
    ),
    ids=["iptables", "nft"],
)  # fmt: skip
def test_as_many_connections_as_the_burst(text, instead, tmp_path):
    """Of each source; who has closed all gets in again."""
    path = tmp_path / "rates"
    path.write_text(text)
    answer = json.loads(call_lab("try", str(path), "--dials", "20", "--json").stdout)
    told = {each["id"]: each["instead"] for each in answer["findings"] if each["family"] == 4}
    assert (told["rate-not-count"], told["bans"]) == (instead, instead)
