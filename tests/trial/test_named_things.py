"""Names in rules, on real hosts: hosts that nobody looks up, interfaces that stand in a concatenation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.in_process import call_lab
from tests.support.variations import then_variations

pytestmark = pytest.mark.usefixtures("shared_sandboxes")
HEAD = "*filter\n:INPUT ACCEPT [0:0]\n"
LIMIT = "-A INPUT -p tcp --dport 443 -m connlimit --connlimit-above 3 -j DROP\n"
TO_AN_ADDRESS = "put the address in the place of the name"


def tried(text: str, folder: Path) -> tuple[int, dict[str, Any]]:
    path = folder / "rules"
    path.write_text(text)
    result = call_lab("try", str(path), "--dials", "6", "--json")
    return result.returncode, json.loads(result.stdout)


@pytest.mark.parametrize(
    ("text", "loaded", "line"),
    then_variations(
        (f"{HEAD}-A INPUT -s office.example.com -p tcp --dport 22 -j ACCEPT\n{LIMIT}COMMIT\n", False, 3),
        ("table ip f {\n chain in {\n  type filter hook input priority 0\n"
         "  ip saddr office.example.com tcp dport 22 accept\n  tcp dport 443 ct count over 3 drop\n }\n}\n", False, 4),
        ("iptables -A INPUT -s office.example.com -p tcp --dport 22 -j ACCEPT\n"
         "iptables -A INPUT -p tcp --dport 443 --syn -m connlimit --connlimit-above 3 -j DROP\n", "partly", 1),
    ),
    ids=["iptables-save", "nft", "shell"],
)  # fmt: skip
def test_a_name_of_a_host_fails_at_once_and_is_said(text, loaded, line, tmp_path):
    """With its line, and what to put there; what else a script made is tried."""
    status, answer = tried(text, tmp_path)
    (file,) = answer["files"]
    assert (status, file["loaded"]) == (1, loaded)
    said = [message["line"] for message in file["messages"] if TO_AN_ADDRESS in message["text"]]
    assert said == [line]
    limits = {row["port"]: row["limit"] for row in answer["ports"] if row["family"] == 4}
    assert limits == ({443: 3, 22: None, 8090: None} if loaded else {})


CONCATENATION = """table ip f {
  chain in {
    type filter hook input priority 0; policy accept;
    iifname . tcp dport { "wan0" . 443, "lan0" . 8443 } ct state new ct count over 3 reject with tcp reset
  }
}
"""
BY_A_SET = """table ip f {
  set shut { typeof iifname . tcp dport; elements = { "wan0" . 443, "lan0" . 8443 } }
  chain in {
    type filter hook input priority 0; policy accept;
    iifname . tcp dport @shut reject with tcp reset
  }
}
"""


@pytest.mark.parametrize(
    ("text", "limit"), then_variations((CONCATENATION, 3), (BY_A_SET, 0)), ids=["braces", "set"]
)
def test_interfaces_of_a_concatenation_are_dialled_by(text, limit, tmp_path):
    """A client behind each; the rule is about one port by each of them."""
    status, answer = tried(text, tmp_path)
    rows = {(row["port"], row["via"]): row["limit"] for row in answer["ports"] if row["family"] == 4}
    assert status == 0
    assert {key: rows[key] for key in rows if key[0] in (443, 8443)} == {
        (443, "wan0"): limit, (443, "lan0"): None, (8443, "wan0"): None, (8443, "lan0"): limit,
    }  # fmt: skip
