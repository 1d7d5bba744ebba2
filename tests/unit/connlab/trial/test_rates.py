"""Rules that keep time: what they let in later, and what they may refuse later."""

from __future__ import annotations

import pytest

from connlab.trial.dialling.rates import any_turns, by_rate_alone, by_seconds, may_ration, may_turn
from connlab.trial.rules.ruleset_reading import read
from tests.support.trials import dials, place, ruleset, tried

LIMIT = "tcp dport 443 ct count over 5 reject with tcp reset"
UPTO = "tcp dport 443 limit rate 3/minute burst 3 packets accept"


@pytest.mark.parametrize(
    ("by", "alone"),
    [({"E": 1, "R": 0}, True), ({"E": 2, "R": 0}, False), ({"E": 0, "R": 1}, True), ({"R": 2}, False)],
)
def test_who_comes_late_gets_a_part_of_a_rate(by, alone):
    """Rule 1 is a rate: what it refused, or all that it let in, says nothing of a net that shares a count."""
    rules = ruleset(UPTO, LIMIT)
    assert [rule.place for rule in rules.rules] == [place(1), place(2)]
    assert by_rate_alone(tried(dials("E5 R10", by)), rules) is alone


@pytest.mark.parametrize(
    ("rule", "is_fast"),
    [
        ("tcp dport 443 limit rate over 20/second burst 5 packets drop", True),
        ("tcp dport 443 limit rate over 10 kbytes/second drop", True),
        (
            "-A input -m hashlimit --hashlimit-name a --hashlimit-upto 20/sec --hashlimit-burst 20 -j ACCEPT",
            True,
        ),
        ("-A input -m limit --limit 2/s -j ACCEPT", True),
        ("-A input -m recent --name x --update --seconds 2 --hitcount 4 -j DROP", True),
        ("-A input -m recent --name x --update --seconds 60 --hitcount 4 -j DROP", False),
        ("tcp dport 443 limit rate over 3/minute burst 5 packets drop", False),
        ("-A input -m hashlimit --hashlimit-name a --hashlimit-above 5/min -j DROP", False),
        ('tcp dport 443 limit rate 5/second log prefix "x"', False),  # it decides nothing
        (LIMIT, False),
    ],
)
def test_a_rate_of_seconds_is_told_from_what_is_slower(rule, is_fast):
    """By the words of the rule, where it had a say."""
    rules = ruleset(rule)
    assert by_seconds(tried(dials("E5 R10", {"R": 1}), reached=[1]), rules) is is_fast
    assert not by_seconds(tried(dials("E64")), rules)


@pytest.mark.parametrize(
    "rule",
    [
        LIMIT,
        UPTO,
        "tcp dport 22 limit rate over 3/minute drop",
        "-A INPUT -m limit --limit 3/min -j ACCEPT",
        "-A INPUT -m limit --limit 3/min -j LOG",
        "-A INPUT -m hashlimit --hashlimit-above 3/min --hashlimit-mode srcip --hashlimit-name a -j DROP",
        "-A INPUT -m hashlimit --hashlimit-upto 3/min --hashlimit-mode srcip --hashlimit-name a -j ACCEPT",
        "-A INPUT -m recent --set --name a --mask 255.255.255.255 --rsource",
        "-A INPUT -m recent --update --seconds 20 --hitcount 5 --name a --rsource -j DROP",
    ],
)
def test_time_only_gives_back(rule):
    assert not any_turns([rule])


@pytest.mark.parametrize(
    "rule",
    [
        "tcp dport 22 limit rate 3/minute drop",
        "tcp dport 22 limit rate over 3/minute accept",
        "tcp dport 22 meta hour 8-17 accept",
        "tcp dport 22 numgen inc mod 2 0 drop",
        "-A INPUT -m limit --limit 3/min -j DROP",
        "-A INPUT -m limit --limit 3/min -j GUARD",
        "-A INPUT -m limit --limit 3/min -j MARK --set-xmark 0x1/0xffffffff",
        "-A INPUT -m recent --rcheck --seconds 10 --name knocked --rsource -j ACCEPT",
        "-A INPUT -m recent ! --rcheck --seconds 10 --name knocked --rsource -j DROP",
        "-A INPUT -m time --timestart 08:00:00 -j ACCEPT",
        "-A INPUT -m set --match-set known src -j ACCEPT",
    ],
)
def test_who_is_let_in_may_be_refused_later(rule):
    """Tokens that come back to a rule that refuses, a list that forgets, the clock."""
    assert any_turns([LIMIT, rule])


@pytest.mark.parametrize(
    "rule",
    [
        LIMIT,
        "tcp flags syn add @sources { ip saddr ct count over 5 } drop",
        "meter a size 65535 { ip saddr ct count over 5 } drop",
        'iifname "eth0" ct state established,related accept comment "limit rate"',
        "-A INPUT -p tcp -m tcp --dport 443 --tcp-flags FIN,SYN,RST,ACK SYN -m connlimit --connlimit-above 5"
        " --connlimit-mask 32 --connlimit-saddr -j REJECT --reject-with tcp-reset",
        '-A INPUT -m conntrack --ctstate NEW -m comment --comment "a -m limit" -j W',
    ],
)
def test_a_rule_that_asks_who_is_connected_rations_nothing(rule):
    """However much a connection says, and however fast others come one after another, it decides the same."""
    assert not may_ration(ruleset(rule))


@pytest.mark.parametrize(
    "rule",
    [
        UPTO,
        "ct original bytes over 1000 drop",
        "ct packets over 100 drop",
        "quota over 10 mbytes drop",
        "tcp flags syn update @sources { ip saddr } drop",
        "add @known { ip saddr timeout 1m }",
        "numgen random mod 2 0 drop",
        "-A INPUT -m connbytes --connbytes 100: --connbytes-mode packets --connbytes-dir original -j DROP",
        "-A INPUT -m limit --limit 3/min -j ACCEPT",
        "-A INPUT -m recent --update --seconds 20 --hitcount 5 --name a --rsource -j DROP",
        "-A INPUT -m what-nobody-knows -j DROP",
    ],
)
def test_a_rule_that_goes_by_time_or_by_what_came_before_may_ration(rule):
    """Also one whose match is not known here."""
    assert may_ration(ruleset(LIMIT, rule))


def test_a_set_whose_elements_have_a_rate_may_ration():
    """A rule that looks into it goes by the rate of the element."""
    rated = (
        "\tset slow { # handle 80\n\t\ttype ipv4_addr\n\t\tlimit rate over 1/second burst 5 packets\n\t}\n"
    )
    assert may_ration(ruleset("ip saddr @slow drop", more=rated))
    assert not may_ration(ruleset("ip saddr @slow drop", more=rated.replace("limit rate over", "size")))


METER = "meter ssh { ip saddr timeout 60s limit rate over 6/minute burst 3 packets } counter packets 0 bytes 0 drop"
HASH = "-A INPUT -m hashlimit --hashlimit-above 6/min --hashlimit-mode srcip --hashlimit-name ssh -j DROP"
FORGETS = "\tset known { # handle 80\n\t\ttype ipv4_addr\n\t\ttimeout 3s\n\t}\n"


@pytest.mark.parametrize(
    ("more", "saved", "turns"), [("", HASH, False), (FORGETS, HASH, True), ("", "", True)]
)
def test_a_set_that_forgets_may_turn_and_a_table_of_hashlimits_gives_back(more, saved, turns):
    """The latter has a timeout in the words of nft; a meter of its own is taken for the former."""
    nft = (
        f"table ip filter {{ # handle 1\n{more}\tchain INPUT {{ # handle 2\n"
        f"\t\ttype filter hook input priority filter; policy accept;\n\t\t{METER} # handle 3\n\t}}\n}}\n"
    )
    assert may_turn(read({"nft": nft, "iptables": f"*filter\n{saved}\nCOMMIT\n"})) is turns
