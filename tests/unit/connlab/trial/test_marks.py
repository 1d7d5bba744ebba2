"""Texts that are loaded beside the rules: marks before those that count, and rules without their verdicts."""

from __future__ import annotations

from connlab.trial.dialling import marks
from connlab.trial.rules import matches_only
from connlab.trial.rules.ruleset import Ruleset
from connlab.trial.rules.ruleset_reading import read
from tests.support.trials import dials, place, ruleset, seen

SAVED = """*filter
:INPUT DROP [0:0]
:WEB - [0:0]
-A INPUT -p tcp -m multiport --dports 80,443 -j WEB
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A WEB -p tcp -m connlimit --connlimit-above 12 --connlimit-mask 24 -j REJECT --reject-with tcp-reset
-A WEB -m limit --limit 5/min -j LOG --log-prefix "-j DROP"
-A WEB -g LAST
COMMIT
"""
NFT = """table ip filter { # handle 1
\tchain INPUT { # handle 1
\t\ttype filter hook input priority filter; policy drop;
\t\tmeta l4proto tcp xt match "multiport" counter packets 0 bytes 0 jump WEB # handle 11
\t\ttcp dport 22 counter packets 0 bytes 0 accept # handle 12
\t}
\tchain WEB { # handle 2
\t\txt match "connlimit" counter packets 0 bytes 0 reject # handle 13
\t\txt match "limit" counter packets 0 bytes 0 log # handle 14
\t\tcounter packets 0 bytes 0 goto LAST # handle 15
\t}
\tchain LAST { # handle 3
\t}
}
table inet guard { # handle 2
\tmap ports { # handle 20
\t\ttype inet_service : verdict
\t\telements = { 22 : accept, 25 : drop }
\t}
\tchain input { # handle 9
\t\ttype filter hook input priority filter; policy drop;
\t\ttcp dport vmap @ports # handle 21
\t\tct state vmap { invalid : drop, established : accept } # handle 22
\t\ttcp dport 80 ct count over 5 reject with tcp reset # handle 23
\t\tlog prefix "accept or drop" goto last # handle 24
\t\ttcp dport 81 redirect to :8081 # handle 25
\t}
\tchain last { # handle 10
\t}
}
table inet connlab_trace { # handle 3
\tchain in { # handle 1
\t\ttype filter hook prerouting priority -450; policy accept;
\t}
}
"""


def both() -> Ruleset:
    """Return rules of both tools."""
    return read({"nft": NFT, "iptables": SAVED})


def test_marks_have_what_is_asked_before_the_count():
    """From the last rule of a chain up; one text for each tool, and a bare counter should it not take that."""
    rules = both()
    limits = [rule for rule in rules.rules if rule.place[3] in (13, 14, 23)]
    saved, nft = marks.step(rules, limits)["marks"][::-1]
    assert saved["all"] == {
        "tool": "iptables-beside", "text": "*filter\n-I WEB 2 \n-I WEB 1 -p tcp\nCOMMIT\n"
    }  # fmt: skip
    assert nft["all"] == {
        "tool": "nft", "text": "insert rule inet guard input position 23 tcp dport 80 counter\n"
    }  # fmt: skip
    assert [choices[-1]["text"] for choices in saved["each"]] == [
        "insert rule ip filter WEB position 14 counter\n", "insert rule ip filter WEB position 13 counter\n"
    ]  # fmt: skip


def test_who_matched_a_mark_came_as_far_as_the_rule_after_it():
    """The list at the end has the mark right before the rule; other rules are no marks."""
    counted = ruleset("tcp dport 80 accept", "ct count over 5 drop")
    now = {"places": [[*place(number), 0] for number in (1, 3, 2)]}
    passed, kept = dials("E1", matched=frozenset({place(3)})), dials("E1", {"E": 1})
    observed = seen(places=now, dial=[*passed, *kept])
    assert marks.reached(observed, counted.rules[1:]) == [frozenset({place(2)}), frozenset()]


def test_rules_without_verdicts_let_everything_go_on():
    """Their matches and their jumps are the same, what people wrote in quotes too; a goto comes back."""
    saved, nft = matches_only.texts(both())
    assert saved == {"tool": "iptables", "text": """*filter
:INPUT ACCEPT [0:0]
:WEB - [0:0]
:LAST - [0:0]
-A INPUT -p tcp -m multiport --dports 80,443 -j WEB
-A INPUT -p tcp -m tcp --dport 22
-A WEB -p tcp -m connlimit --connlimit-above 12 --connlimit-mask 24
-A WEB -m limit --limit 5/min
-A WEB -j LAST
COMMIT
"""}  # fmt: skip
    assert nft["tool"] == "nft"
    assert [line.strip() for line in nft["text"].splitlines()] == [
        "table inet guard {", "map ports {", "type inet_service : verdict",
        "elements = { 22 : continue, 25 : continue }", "}", "chain input {",
        "type filter hook input priority filter; policy accept;", "tcp dport vmap @ports",
        "ct state vmap { invalid : continue, established : continue }",
        "tcp dport 80 ct count over 5 continue", 'log prefix "accept or drop" jump last', "tcp dport 81 continue",
        "}", "chain last {", "}", "}",
    ]  # fmt: skip


def test_what_goes_back_by_the_kind_of_its_address_still_does():
    """What follows in its chain is about others than those whom we dial; another return is a verdict."""
    kind = "-A INPUT -m addrtype --dst-type LOCAL -j RETURN"
    saved = f"*filter\n:INPUT ACCEPT [0:0]\n{kind}\n-A INPUT -p tcp -j RETURN\nCOMMIT\n"
    hook = "\t\ttype filter hook input priority filter; policy accept;\n"
    listed = "".join(
        f"table {table} {{ # handle 1\n\tchain INPUT {{ # handle 9\n{hook}\t\tfib daddr type local return # handle 1\n"
        "\t\tmeta l4proto tcp return # handle 2\n\t}\n}\n" for table in ("ip filter", "inet guard")
    )  # fmt: skip
    iptables, nft = matches_only.texts(read({"nft": listed, "iptables": saved}))
    assert iptables["text"].splitlines()[2:4] == [kind, "-A INPUT -p tcp"]
    assert [line.strip() for line in nft["text"].splitlines()[3:5]] == [
        "fib daddr type local return", "meta l4proto tcp continue"
    ]  # fmt: skip


def test_a_rule_without_a_verdict_is_known_by_its_place():
    """Whatever handle it has there."""
    undecided = [["ip", "filter", "WEB", handle, 0] for handle in (113, 114, 115)]
    assert matches_only.same_places(both(), undecided)["ip", "filter", "WEB", 114] == (
        "ip",
        "filter",
        "WEB",
        14,
    )
