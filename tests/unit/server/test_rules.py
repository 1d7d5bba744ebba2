"""What a rule says: its parsed target, whether it can refuse a SYN to the port, and the limit it is certain of."""

from __future__ import annotations

import pytest

from server import policy_file, rules, syn_rules

PORT = 12345
SYN = "--tcp-flags FIN,SYN,RST,ACK SYN"
TO_PORT = f"-p tcp -m tcp --dport {PORT}"
LIMIT = "-m connlimit --connlimit-above 15 --connlimit-mask 32 --connlimit-saddr"
ARTICLE = f"-A INPUT {TO_PORT} {SYN} {LIMIT} -j REJECT --reject-with tcp-reset"


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (ARTICLE, "REJECT"),
        ("-A INPUT -j DROP", "DROP"),
        ("-A INPUT -g LIMITED", "LIMITED"),
        ('-A INPUT -m comment --comment "never -j REJECT --reject-with tcp-reset" -j ACCEPT', "ACCEPT"),
        ('-A INPUT -m comment --comment "a \\"-j DROP\\" b" -j LOG --log-prefix "-j REJECT "', "LOG"),
        ("-A INPUT -m comment --comment -j -j RETURN", "RETURN"),
        ("-A INPUT -m comment --comment --comment -j DROP", "DROP"),
        ("-A OUTPUT -p tcp -j NFLOG --nflog-prefix -j --nflog-group 5", "NFLOG"),
        ("-A INPUT -m comment --comment DROP", ""),
        ("-P INPUT DROP", "DROP"),
        ("tcp dport 12345 counter reject with tcp reset", "REJECT"),
        ('tcp dport 12345 counter accept comment "reject or drop"', ""),
        ("ip saddr 10.0.0.0/8 jump limited", "limited"),
        ("policy drop", "DROP"),
    ],
)
def test_the_target_is_parsed(text, target):
    """A comment, a prefix or a name that reads like a target is none."""
    assert rules.target(text) == target


@pytest.mark.parametrize(
    ("options", "can"),
    [
        (TO_PORT, True),
        ("-p tcp -m tcp --dport 12346", False),
        ("-p tcp -m tcp ! --dport 12345", False),
        ("-p tcp -m tcp ! --dport 22", True),
        ("-p tcp -m tcp --dport 12000:13000", True),
        ("-p tcp -m tcp --dport 13000:", False),
        ("-p tcp -m multiport --dports 80,443,12345", True),
        ("-p tcp -m multiport --dports 80,443", False),
        ("-p udp -m udp --dport 12345", False),
        ("! -p tcp", False),
        ("-p all", True),
        ("-i lo", False),
        ("! -i lo", True),
        ("-m conntrack --ctstate INVALID", False),
        ("-m conntrack ! --ctstate RELATED,ESTABLISHED", True),
        ("-m state --state NEW", True),
        (f"-p tcp -m tcp {SYN}", True),
        (f"-p tcp -m tcp ! {SYN}", False),
        ("-p tcp -m tcp --tcp-flags RST RST", False),
        ("-p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE", False),
        ("-s 10.0.0.0/8", True),
        ('-m comment --comment "-p udp"', True),
    ],
)
def test_which_rules_can_match_a_syn_to_the_port(options, can):
    """Only what is certain is left out: in doubt a rule can match."""
    assert syn_rules.can_match(f"-A INPUT {options} -j DROP", PORT) is can


def file(*lines: str, table: str = "filter") -> str:
    return "\n".join([f"*{table}", *lines, "COMMIT", ""])


@pytest.mark.parametrize(
    ("text", "refuses"),
    [
        (file(ARTICLE), True),
        ("", False),
        ("# -A INPUT -j DROP\n", False),
        (file("# -A INPUT -j DROP"), False),
        (file(":INPUT ACCEPT [0:0]"), False),
        (file(":INPUT DROP [0:0]"), True),
        (file(":FORWARD DROP [0:0]", ":OUTPUT DROP [0:0]"), False),
        (file(ARTICLE.replace(str(PORT), "443")), False),
        (file(f"-A OUTPUT {TO_PORT} -j DROP"), False),
        (file(f"-A INPUT {TO_PORT} -j LOG"), False),
        (file(":L - [0:0]", f"-A INPUT {TO_PORT} -j L", f"-A L {LIMIT} -j REJECT"), True),
        (file(":L - [0:0]", ":M - [0:0]", "-A INPUT -g L", "-A L -j M", "-A M -j DROP"), True),
        (file(":L - [0:0]", "-A INPUT -p udp -j L", "-A L -j DROP"), False),
        (file(":L - [0:0]", "-A L -j DROP"), False),
        (file(f"-A PREROUTING {TO_PORT} -j DROP", table="raw"), True),
        (file("-A PREROUTING -i lo -j DROP", table="mangle"), False),
        (file(f"-A INPUT {TO_PORT} -j ACCEPT") + file("-A INPUT -j DROP", table="mangle"), True),
        (file(f"-A INPUT {TO_PORT} -j TARPIT"), True),
        (file('-A INPUT -m comment --comment " -j REJECT " -j ACCEPT'), False),
    ],
)
def test_whether_a_file_refuses_anything_on_the_way_to_the_port(text, refuses):
    """Jumps are followed, every table counts, another port, hook or protocol does not."""
    assert policy_file.refuses(text, PORT) is refuses


@pytest.mark.parametrize(
    ("lines", "limit"),
    [
        ([ARTICLE], 15),
        ([ARTICLE.replace("above 15", "above 0")], 0),
        ([ARTICLE.replace("REJECT --reject-with tcp-reset", "DROP")], 15),
        ([ARTICLE, "-A OUTPUT -j DROP", "-A INPUT -p udp -j DROP"], 15),
        ([ARTICLE.replace("mask 32", "mask 24")], None),
        ([ARTICLE.replace("saddr", "daddr")], None),
        ([ARTICLE, "-A INPUT -j DROP"], None),
        ([f"-A INPUT {TO_PORT} -j ACCEPT", ARTICLE], None),
        ([":INPUT DROP [0:0]", ARTICLE], None),
        ([ARTICLE.replace("-A INPUT", "-A INPUT -s 10.0.0.0/8")], None),
        ([f"-A INPUT {TO_PORT} -m hashlimit --hashlimit-above 15/sec --hashlimit-name x -j DROP"], None),
        (["-A FORWARD" + ARTICLE.removeprefix("-A INPUT")], None),
        ([], None),
    ],
)
def test_the_limit_is_said_only_where_it_is_certain(lines, limit):
    """One plain rule for each source address and nothing beside it; else no number, whatever CONNLIMIT is."""
    assert policy_file.limit(file(*lines), PORT) == limit


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ARTICLE, "connlimit above 15, mask 32, source: REJECT"),
        (ARTICLE.replace("mask 32 --connlimit-saddr", "mask 0 --connlimit-daddr"),
         "connlimit above 15, mask 0, destination: REJECT"),
        (f"-A INPUT {TO_PORT} -m hashlimit --hashlimit-above 5/sec --hashlimit-mode srcip --hashlimit-name x -j DROP",
         "hashlimit above 5/sec, mode srcip, name: DROP"),
        (f"-A INPUT {TO_PORT} -j DROP", f"-A INPUT {TO_PORT} -j DROP"),
    ],
)  # fmt: skip
def test_a_rule_s_own_words(text, words):
    """What limits; a rule that only drops is shown as it is."""
    assert rules.in_words(text) == words
