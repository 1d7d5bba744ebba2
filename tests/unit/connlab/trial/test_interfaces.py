"""Which interfaces a host needs before rules are loaded there."""

from __future__ import annotations

import pytest

from connlab.trial.files.forms import Input
from connlab.trial.files.interfaces import by_index, named_interfaces
from connlab.trial.rules.ruleset import Rule, Ruleset


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("-A INPUT -i wan0 -j DROP\n-A FORWARD --out-interface lan0 -j DROP\n", ["wan0", "lan0"]),
        ('iif != { "wan0",\n "wan1" } oifname "lan0" drop', ["wan0", "wan1", "lan0"]),
        ('iifname . tcp dport vmap { "wan0" . 22 : accept }', ["wan0", "accept"]),
        ('tcp dport . iif { 22 . "wan0" } accept', ["wan0"]),
        ('elements = { "wan0" . 80 : drop, "wan0" . 443 : drop }', ["wan0", "drop"]),
        ("define WAN = eth7\ndefine PORTS = { 80, 443 }\n", ["eth7"]),
        ("EXT_IF='ens3'\nip addr show dev br-lan\n", ["ens3", "br-lan"]),
        ("-A INPUT -i lo -j ACCEPT\ngrep -i default\n", ["eth0"]),
        ("-A INPUT -i $WAN -i eth+ -i much-too-long-for-a-name -j ACCEPT\n", ["eth0"]),
    ],
)
def test_names_that_a_text_may_mean(text, names):
    """By options, statements and variables; without any, there is one interface."""
    assert named_interfaces([Input("x", "shell", text)]) == names


def test_interfaces_that_have_to_be_there():
    """Those that nft knows by number; a name may be of none."""
    texts = ('iif "wan0" accept', 'oif != { "lan0", "lan1" } drop', 'iifname "wan1" drop', 'iif "lo" accept')
    rules = [Rule(("inet", "f", "in", at), text, None) for at, text in enumerate(texts)]
    assert by_index(Ruleset({}, rules, {}, {})) == ["wan0", "lan0", "lan1"]
