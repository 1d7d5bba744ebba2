"""What is said of rules that no dial can come to."""

from __future__ import annotations

from connlab.trial.answer import not_tried
from connlab.trial.dialling.plan import Wishes, plan
from connlab.trial.files.lines import Line, Lines
from connlab.trial.rules.facts import facts
from connlab.trial.rules.ruleset_reading import read
from tests.support.trials import ruleset

CHAINS = """table ip filter { # handle 1
\tchain INPUT { # handle 1
\t\ttype filter hook input priority filter; policy drop;
\t\ttcp dport 80 jump BOTH # handle 10
\t}
\tchain FORWARD { # handle 2
\t\ttype filter hook forward priority filter; policy accept;
\t\tjump DOCKER-USER # handle 11
\t\tjump BOTH # handle 12
\t}
\tchain DOCKER-USER { # handle 3
\t\ttcp dport 80 ct count over 5 drop # handle 13
\t}
\tchain BOTH { # handle 4
\t\tct count over 5 drop # handle 14
\t}
\tchain OUT { # handle 5
\t\ttype nat hook postrouting priority srcnat; policy accept;
\t\tct count over 7 drop # handle 15
\t\tmasquerade # handle 16
\t}
}
"""
FILE = {"path": "a", "messages": []}


def test_rules_of_forwarded_packets_are_said_not_to_be_tried():
    """Also those of a chain that only FORWARD leads to, not those to which INPUT leads too; once, with their lines."""
    rules = read({"nft": CHAINS})
    lines = Lines({rule.place: Line("a", rule.place[3]) for rule in rules.rules}, {})
    (file,) = not_tried.added([FILE], rules, lines, [])
    (message,) = file["messages"]
    assert message["line"] == 11
    assert message["text"].endswith("lines 11, 12, 13")


def test_a_limit_on_the_way_out_is_said_not_to_be_tried_if_no_packet_came():
    """What only masquerades is none."""
    rules = read({"nft": CHAINS})
    lines = Lines({rule.place: Line("a", rule.place[3]) for rule in rules.rules}, {})
    (file,) = not_tried.added([FILE], rules, lines, rules.rules)
    assert [each["line"] for each in file["messages"]] == [11, 15]


def test_what_is_sent_on_to_another_host_is_said_to_be_answered_here():
    """Rules of INPUT see nothing of such connections where that host is another one; a redirection stays here."""
    inward = CHAINS.replace("type nat hook postrouting", "type nat hook prerouting")
    sent = inward.replace("masquerade", "tcp dport 8080 dnat to 172.17.0.2:80")
    rules = read({"nft": sent.replace("ct count over 7 drop", "redirect to :80")})
    lines = Lines({rule.place: Line("a", rule.place[3]) for rule in rules.rules}, {})
    (file,) = not_tried.added([FILE], rules, lines, [])
    assert [each["line"] for each in file["messages"]] == [11, 16]
    assert "sent on to 172.17.0.2 are answered by this server here" in file["messages"][1]["text"]


def test_interfaces_by_which_nobody_dials_are_named():
    """Of more than a port is dialled by; there is no word of them where all are."""
    many = facts(ruleset(*(f'iifname "lan{number}" accept' for number in range(6))))
    (file,) = not_tried.with_what_is_left([FILE], many, plan(many, [], Wishes()))
    assert "nobody dials by lan4, lan5:" in file["messages"][0]["text"]
    few = facts(ruleset('iifname "lan0" accept'))
    assert not_tried.with_what_is_left([FILE], few, plan(few, [], Wishes())) == [FILE]


def test_ports_beyond_those_that_are_tried_are_named():
    """Unless they are asked for."""
    many = facts(ruleset(*(f"tcp dport {port} accept" for port in range(5001, 5019))))
    (file,) = not_tried.with_what_is_left([FILE], many, plan(many, [], Wishes()))
    assert file["messages"][0]["text"].startswith("not tried: ports 5017, 5018;")
    assert not_tried.with_what_is_left([FILE], many, plan(many, [], Wishes(ports=[5017, 5018]))) == [FILE]
