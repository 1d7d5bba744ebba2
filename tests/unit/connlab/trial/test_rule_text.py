"""What the text of a rule says, as iptables-save and nft write it."""

from __future__ import annotations

import pytest

from connlab.trial.rules import rule_ports, rule_text, rule_verdicts

SYN = "-A INPUT -p tcp -m tcp --dport 443 --tcp-flags FIN,SYN,RST,ACK SYN -m connlimit --connlimit-above 20 -j DROP"
LATE_PORT = (
    '-A IN -p tcp -m connlimit --connlimit-above 4 -m multiport --dports 80,443 -j LOG --log-prefix "-j DROP"'
)
HASH = "-A INPUT -p tcp -m hashlimit --hashlimit-upto 20/sec --hashlimit-name a -j ACCEPT"
METER = (
    "tcp dport 22 ct state new add @ssh { ip saddr limit rate over 10/minute burst 5 packets } counter drop"
)


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        (SYN, True), (LATE_PORT, True), (HASH, True), (METER, True),
        ("-A INPUT -p tcp -m recent --update --seconds 60 --hitcount 4 --name s -j DROP", True),
        ("-A INPUT -p tcp -m recent --set --name s", False),
        ('tcp dport 80 ct state new limit name "web" accept', True),
        ("-A INPUT -p icmp -m limit --limit 1/sec -j ACCEPT", False),
        ("-A INPUT -p udp -m udp --dport 53 -m connlimit --connlimit-above 9 -j DROP", False),
        ("udp dport 53 limit rate over 9/second drop", False),
        ("-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT", False),
    ],
)  # fmt: skip
def test_a_limit_counts_and_may_be_about_tcp(text, limits):
    """Whatever it counts: connections, packets, hits."""
    assert rule_text.limits(text) is limits


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (SYN, "refuse"), (LATE_PORT, ""), (HASH, "accept"), (METER, "refuse"),
        ("-A INPUT -p tcp -j WEB", "jump WEB"), ("-A INPUT -p tcp -g WEB", "jump WEB"),
        ("-A INPUT -j RETURN", "return"), ("-A INPUT -p tcp", ""),
        ("-A PREROUTING -p tcp -j REDIRECT --to-ports 8080", "accept"),
        ("tcp dport 443 jump web", "jump web"), ("tcp dport 443 goto web", "jump web"),
        ("ct count over 5 reject with tcp reset", "refuse"), ("counter packets 0 bytes 0", ""),
        ('log prefix "drop " level info', ""), ('tcp dport 443 accept comment "drop later"', "accept"),
        ("ct state vmap { invalid : drop, established : accept }", ""),
        ("tcp dport { 80, 443 } accept", "accept"),
    ],
)  # fmt: skip
def test_what_a_rule_decides(text, verdict):
    """Not what its comment says, or the prefix of its log."""
    assert rule_verdicts.verdict(text) == verdict


@pytest.mark.parametrize(
    ("text", "named", "others"),
    [
        (SYN, [443], [80]), (LATE_PORT, [80, 443], [22]),
        ("-A INPUT -p tcp -m tcp --dport 8000:8010 -j DROP", [8000, 8005, 8010], [8011]),
        ("-A INPUT -p tcp -m tcp ! --dport 22 -j DROP", [80], [22]),
        ("tcp dport { 80, 8000-8010 } accept", [80, 8009], [81]),
        ("tcp dport != 22 drop", [80], [22]),
        ("tcp dport vmap { 22 : accept, 80 : jump web }", [22, 80], [443]),
        ("tcp dport ssh accept", [22], [80]),
        ("-A INPUT -p tcp -m tcp --dport 0:1023 -j DROP", [1, 22, 1023], [1024]),
        ("tcp dport > 9000 accept", [9001, 65535], [9000]), ("tcp dport <= 1024 accept", [1, 1024], [1025]),
    ],
)  # fmt: skip
def test_a_rule_is_about_the_ports_that_it_names(text, named, others):
    """In each of the ways to write them; what it excludes it is not about."""
    assert [rule_ports.names(text, port) for port in (*named, *others)] == [True] * len(named) + [
        False
    ] * len(others)


@pytest.mark.parametrize("text", ["-A INPUT -p tcp -j DROP", "ct count over 5 drop", "udp dport 53 accept"])
def test_a_rule_that_names_no_port_of_tcp_is_about_none(text):
    """Nor does it say which not."""
    assert rule_ports.names(text, 443) is None
    assert rule_ports.ports(text) == []


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        (SYN, "-p tcp -m tcp --dport 443 --tcp-flags FIN,SYN,RST,ACK SYN"),
        (LATE_PORT, "-p tcp"),
        (METER, "tcp dport 22 ct state new"),
        ("ct count over 5 drop", ""),
        ("tcp dport 80 ct state new limit rate 3/second accept", "tcp dport 80 ct state new"),
        ('tcp dport 80 ct state new limit name "web" accept', "tcp dport 80 ct state new"),
    ],
)
def test_what_is_asked_before_the_count(text, asked):
    """In the order in which the rule has its matches: a port after the count does not keep others out of it."""
    assert rule_text.before_count(text) == asked


@pytest.mark.parametrize(
    ("text", "families"),
    [
        (METER, {4}), ("ip6 saddr 2001:db8::/32 ct count over 5 drop", {6}), ("tcp dport 80 accept", {4, 6}),
        ('tcp dport 80 log prefix "ip saddr "', {4, 6}), (SYN, {4, 6}), ("meta nfproto ipv6 drop", {6}),
    ],
)  # fmt: skip
def test_a_field_of_a_header_says_the_family(text, families):
    """In a table for both."""
    assert rule_text.families(text) == families


def test_what_only_logs_may_count_a_source():
    """`-m limit` counts nobody by himself."""
    assert rule_text.only_logs(LATE_PORT)
    assert rule_text.counts_each_source(LATE_PORT)
    assert not rule_text.counts_each_source("-A INPUT -m limit --limit 5/min -j LOG")
    assert not rule_text.only_logs('log prefix "x" drop')


def test_the_kernel_log_is_not_that_of_a_reader():
    """NFLOG and nft's groups go to a program."""
    assert rule_text.writes_kernel_log(LATE_PORT)
    assert not rule_text.writes_kernel_log("-A INPUT -j NFLOG --nflog-group 3")
    assert not rule_text.writes_kernel_log("log group 3")


@pytest.mark.parametrize(
    ("text", "diverts"),
    [
        ("-A PREROUTING -p tcp -m tcp --dport 6379 -j CT --notrack", True), ("-A PREROUTING -j NOTRACK", True),
        ("-A INPUT -j RETURN", True), ("-A INPUT -g WEB", True), ("tcp dport 80 goto web", True),
        ("tcp dport 80 notrack", True), ("meta mark set 0x1", True), ("-A INPUT -j WEB", False),
        (LATE_PORT, False), ("tcp dport 80 jump web", False), ('log prefix "goto " accept', False),
    ],
)  # fmt: skip
def test_what_sends_packets_on_otherwise(text, diverts):
    """Elsewhere, or as others; a jump may come back."""
    assert rule_verdicts.diverts(text) is diverts


def test_the_period_is_in_the_rules_words():
    """Without what is no time."""
    assert rule_text.period(HASH) == "hashlimit-upto 20/sec"
    assert rule_text.period("-A INPUT -m recent --update --seconds 60 --hitcount 4 -j DROP") == "seconds 60"
    assert rule_text.period(SYN) == ""
