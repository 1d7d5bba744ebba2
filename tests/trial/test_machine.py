"""What a trial does to the machine it runs on: nothing, whatever the files would do to theirs."""

from __future__ import annotations

import json
import re
from typing import Any

from connlab.base import settings as knobs
from connlab.cluster import images
from connlab.cluster.one_off import run_once
from connlab.trial.hosts.machine import IMAGE
from tests.support.in_process import call_lab

SCRIPT = """#!/bin/bash
iptables -F; iptables -t nat -F; iptables -X; iptables -P INPUT DROP; iptables -P FORWARD ACCEPT
ip6tables -P INPUT DROP
nft flush ruleset
nft add table inet connlab_was_here
iptables -t raw -A PREROUTING -p tcp --dport 1 -j NOTRACK
sysctl -w net.ipv4.tcp_fin_timeout=7
echo 1 > /proc/sys/net/ipv4/ip_forward
iptables -A INPUT -p tcp --dport 8081 --syn -m connlimit --connlimit-above 1 -j DROP
"""
RESTORED = "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp --dport 2 -j REDIRECT --to-ports 3\nCOMMIT\n"
LISTED = "flush ruleset\ntable ip connlab_was_here {\n chain in { type filter hook input priority 0; }\n}\n"
LEGACY = "for each in iptables-legacy-save ip6tables-legacy-save; do $each 2>&1; done"
SETTINGS = "sysctl -a -r '^net[.](core|ipv4[.](tcp|ip)_|netfilter)' 2>/dev/null || true"
# The engine changes what is its own whenever anybody's container comes or goes; a counter counts the machine's traffic.
ENGINES_CHAIN = re.compile(r"^(\t*)(chain|table \w+) \S*docker\S* \{.*?^\1\}\n", re.M | re.S | re.I)
ENGINES_LINE = re.compile(r"docker|\bbr-[0-9a-f]{12}\b", re.I)
COUNTS = re.compile(r"packets \d+ bytes \d+|\[\d+:\d+\]|^#.*|^net\.netfilter\.nf_conntrack_count.*", re.M)


def firewall(network: str, *before: str) -> list[str]:
    """Return the rules and settings of a network as root sees them there, without the engine's own and all counters."""
    look = "; ".join([*before, "nft -a list ruleset", LEGACY, SETTINGS])
    as_root: dict[str, Any] = {"user": "0", "network": network, "cap_add": ["NET_ADMIN", "NET_RAW"]}
    images.ensure(knobs.read(), [IMAGE])
    image = images.name(knobs.read(), IMAGE)
    status, text = run_once(image, ["-c", look], entrypoint="sh", **as_root)
    assert status == 0, text
    kept = ENGINES_CHAIN.sub("", COUNTS.sub("", text)).splitlines()
    return [line for line in kept if line.strip() and not ENGINES_LINE.search(line)]


def test_a_rule_and_a_setting_would_be_seen():
    """The control: the same look, in a network of nobody's, before and after somebody changed it."""
    changes = (
        "nft add table ip x",
        "nft 'add chain ip x in { type filter hook input priority 0; policy drop; }'",
    )
    added = {*firewall("none", *changes)} - {*firewall("none")}
    assert any("policy drop" in line for line in added)
    assert "net.ipv4.tcp_fin_timeout = 60" in firewall("none")


def test_the_firewall_of_the_machine_is_untouched(tmp_path):
    """Rules and kernel settings are what they were, after files that take away all of them and bring their own."""
    texts = {
        "wipe.sh": SCRIPT,
        "nat.rules": RESTORED,
        "wipe.nft": LISTED,
        "t.conf": "net.ipv4.tcp_fin_timeout=9\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    before = firewall("host")
    tried = call_lab(
        "try", *(str(tmp_path / name) for name in texts), "--dials", "3", "--port", "8081", "--json"
    )
    after = firewall("host")
    assert [file["loaded"] for file in json.loads(tried.stdout)["files"]] == [True] * len(texts)
    assert (before, "connlab_was_here" in str(after)) == (after, False)
