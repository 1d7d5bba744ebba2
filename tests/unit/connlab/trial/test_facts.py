"""What rules name."""

from __future__ import annotations

import pytest

from connlab.trial.rules import facts, rule_ports, rule_verdicts
from connlab.trial.rules.ruleset import Rule, Ruleset
from connlab.trial.rules.ruleset_reading import read


def ruleset(*texts: str) -> Ruleset:
    """Return the rules of one chain."""
    return Ruleset({}, [Rule(("inet", "f", "in", at), text, None) for at, text in enumerate(texts)], {}, {})


def test_a_rule_that_was_never_loaded_names_its_port():
    """What was meant for it is of interest all the same."""
    there = ruleset("tcp dport 8081 accept")
    assert facts.facts(there, ["add rule inet f in tcp dport 22 accept"]).ports == [8081, 22]


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("-A INPUT -p tcp -m tcp ! --dport 1024:65535 -m connlimit --connlimit-above 3 -j DROP", [80]),
        ("tcp dport != 1-9000 ct count over 2 drop", [1, 80, 9001]),
        ("tcp dport != { 22, 2000-2999 } drop", [22, 2000]),
    ],
)
def test_where_a_range_is_excluded_there_is_a_port_that_the_rule_is_about(text, ports):
    """The one that no rule names is tried beside these, and may be it, or may be in the range."""
    assert set(facts.facts(ruleset(text)).ports) <= set(ports)
    tried = [*facts.facts(ruleset(text)).ports, facts.UNNAMED[0]]
    assert {rule_ports.names(text, port) for port in tried} == {True, False}


@pytest.mark.parametrize(
    ("text", "interfaces", "ports"),
    [
        ('iifname . tcp dport { "wan0" . 80, "wan0" . 443 } accept', ["wan0"], [80, 443]),
        ('iifname . tcp dport vmap { "wan0" . 22 : accept, "lan0" . 5001 : jump lan }', ["wan0", "lan0"], [22, 5001]),
        ('tcp dport . meta iifname { 80-90 . "eth0.100" timeout 1h comment "8.5 7" } accept', ["eth0.100"], [80]),
        ('iifname . tcp dport != { "wan0" . 80 } drop', [], []),
        ('iifname vmap { "lan0" : jump lan, "wg*" : jump 5 }', ["lan0", "wg0"], []),
        ("iifname @filled tcp dport 22 drop", [], [22]),
        ("fib saddr . iif oif missing drop", [], []),
        ("-A INPUT -i + -p tcp -m tcp --dport 22 -j ACCEPT", [], [22]),
    ],
)  # fmt: skip
def test_interfaces_and_ports_are_found_where_they_are_written_together(text, interfaces, ports):
    """In concatenations and maps; what no interface is called is none."""
    found = facts.facts(ruleset(text))
    assert (found.interfaces, found.ports) == (interfaces, ports)


def test_sources_and_verdicts_of_a_concatenation():
    """Each field of it as if it stood alone."""
    found = ruleset('ip saddr . iifname . tcp dport vmap { 10.0.0.0/8 . "lan0" . 22 : jump office }')
    assert [each.net for each in facts.facts(found).sources] == ["10.0.0.0/8"]
    assert rule_verdicts.jumps(found.words(found.rules[0])) == ["office"]


def test_a_named_limit_is_known_by_what_it_has():
    """Its numbers are those of the rule that names it; one that is not there is left as it is."""
    listing = (
        "table ip f { # handle 1\n\tlimit slow { # handle 2\n\t\trate 3/second burst 9 packets\n\t}\n\n"
        "\tchain in { # handle 3\n"
        '\t\tlimit name "slow" accept # handle 4\n\t\tlimit name "no" drop # handle 5\n\t}\n}\n'
    )
    there = read({"nft": listing})
    assert [there.words(rule) for rule in there.rules] == [
        "limit rate 3/second burst 9 packets accept",
        'limit name "no" drop',
    ]
    assert facts.facts(there).largest == 9
