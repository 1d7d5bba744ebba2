"""Files as people bring them: what their tools said of them, and which line made each rule."""

from __future__ import annotations

import pytest

from connlab.base.errors import GaveUp
from connlab.trial.files.loading import Loaded

pytestmark = pytest.mark.xdist_group("loading")  # one sandbox for all of them
BY_HAND = """*filter
:INPUT DROP [0:0]
:W - [0:0]
-A INPUT -s 10.0.0.1,10.0.0.2 -d 192.0.2.1,192.0.2.2 -p tcp --dport 80 -j ACCEPT
-I INPUT -i lo -j ACCEPT
-I INPUT 2 -s 10.3.0.0/16,10.4.0.0/16 -j W
[5:600] -A W -p tcp --dport 22 -m state --state NEW -j ACCEPT
-A W -p tcp --dport 23 -j ACCEPT
-D W -p tcp --dport 23 -j ACCEPT
-A W -p tcp --dport 24 -j ACCEPT
COMMIT
*mangle
-A PREROUTING -p tcp --dport 8081 -j MARK --set-mark 1
COMMIT
"""
REPLACES = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j ACCEPT\n-R INPUT 1 -p tcp -j ACCEPT\nCOMMIT\n"
TWO_TABLES = """*mangle
-A PREROUTING -p tcp --dport 1 -j MARK --set-mark 1
COMMIT
*filter
-A INPUT -p tcp --dport 2 -j ACCEPT
-A INPUT -p tcp --dport 3 -j NOWHERE
COMMIT
"""
NFT = """flush ruleset
define WEB = { 80,
   443 }
table inet filter {
    chain in {
        type filter hook input priority filter
        policy drop
        iif "wan0" tcp dport $WEB drop
        tcp dport { 22,
            23 } accept comment "a; b } c # d"
        tcp dport 99 jump { tcp flags syn accept; drop; }
    }
}
insert rule inet filter in tcp dport 2 accept
include "/etc/nftables.d/*.conf"
"""
LISTED = """table ip filter { # handle 1
\tchain INPUT { # handle 2
\t\ttype filter hook input priority filter; policy drop;
\t\ttcp dport 8081 ct count over 5 counter packets 7 bytes 420 drop # handle 5
\t}
}
"""
UFW = """*filter
:ufw-user-input - [0:0]
### tuple ### limit tcp 22 0.0.0.0/0 any 0.0.0.0/0 in
-A ufw-user-input -p tcp --dport 22 -m recent --update --seconds 9 --hitcount 6 -j ufw-user-limit
-A ufw-user-input -p tcp --dport 22 -j ufw-user-limit-accept
COMMIT
"""
FED = """#!/bin/bash
set -e
PORT=8081
iptables-restore <<EOT
*filter
:INPUT DROP [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp --dport $PORT -j ACCEPT
COMMIT
EOT
cat > /tmp/more.nft <<-X
\ttable inet more {
\t  chain in {
\t    type filter hook input priority 20; policy drop
\t    tcp dport ${PORT} accept
\t  }
\t}
\tX
nft -f /tmp/more.nft
ip6tables-restore -n < <(iptables-save | sed s/8081/8083/)
"""
INIT = """#!/bin/sh
start() {
   modprobe ip_conntrack
   echo 1 > /proc/sys/net/ipv4/tcp_abort_on_overflow
   sysctl -q -w net.ipv4.tcp_fin_timeout=33
   iptables -F
   iptables -D INPUT -j NOPE 2>/dev/null
   iptables-legacy -A INPUT -p tcp --dport 80 -j DROP
   service iptables save
}
case "$1" in
  start) start ;;
  *) echo "Usage: $0 start|stop"; exit 1 ;;
esac
"""


def numbers(loaded: Loaded) -> list[int | None]:
    """Return the number of each rule's line, in the order of the host."""
    known = [loaded.lines.rules.get(rule.place) for rule in loaded.ruleset.rules]
    return [line.line if line else None for line in known]


def words(loaded: Loaded) -> list[tuple[int | None, str]]:
    """Return what is said of the last file, with lines."""
    return [(message["line"], message["text"]) for message in loaded.files[-1]["messages"]]


def test_a_restore_text_by_hand(load_texts):
    """Addresses in a list, rules that are put before others, counters, one that is taken away again, two tables."""
    loaded = load_texts(rules=BY_HAND)
    assert loaded.files[0] == {
        "path": "rules", "form": "iptables-save", "loaded": True, "exit": 0, "messages": [],
    }  # fmt: skip
    assert numbers(loaded) == [5, 6, 6, 4, 4, 4, 4, 7, 10, 13]
    assert loaded.lines.policies["ip", "filter", "INPUT"].line == 2


def test_ip6tables_text_is_given_to_ip6tables(load_texts):
    """It is known by its addresses."""
    loaded = load_texts(rules="*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 2001:db8::/32 -j DROP\nCOMMIT\n")
    assert (loaded.files[0]["form"], loaded.ruleset.rules[0].place[0]) == ("ip6tables-save", "ip6")
    assert numbers(loaded) == [3]


def test_a_tool_that_crashes_is_told_as_its_own_fault(load_texts):
    """iptables-restore 1.8.11 does on `-R`."""
    loaded = load_texts(rules=REPLACES)
    assert (loaded.files[0]["loaded"], loaded.files[0]["exit"]) == (False, 139)
    assert words(loaded)[-1] == (None, "iptables-restore crashed: signal 11")


def test_a_table_that_is_refused_leaves_those_before_it(load_texts):
    """The line is the one that wants the chain, not the one where the tool looks for it."""
    loaded = load_texts(rules=TWO_TABLES)
    assert (loaded.files[0]["loaded"], loaded.files[0]["exit"]) == ("partly", 2)
    assert (6, "iptables-restore v1.8.11 (nf_tables): Chain 'NOWHERE' does not exist") in words(loaded)
    assert numbers(loaded) == [2]


@pytest.mark.variation
def test_more_rules_than_fit_into_one_message(load_texts):
    """Are loaded all the same, by a file and by a script; and none of a table of which one is refused."""
    many = [
        "*filter",
        ":W - [0:0]",
        *(f"-A W -p tcp --dport {port} -j DROP" for port in range(900)),
        "COMMIT",
        "",
    ]
    text = "\n".join(many)
    assert numbers(load_texts(rules=text)) == list(range(3, 903))
    assert numbers(load_texts(script=f"iptables-restore <<X\n{text}X\n")) == list(range(4, 904))
    bad = load_texts(rules=text.replace("--dport 800", "--dport y"))
    assert (bad.files[0]["loaded"], numbers(bad)) == (False, [])
    assert {line for line, said in words(bad) if "y" in said} == {803}


def test_what_a_tool_refuses_is_told_with_the_line_of_the_file(load_texts):
    """Its number and its text, and where in it: nft sets carets, iptables-restore counts the lines that it was fed."""
    wrong = NFT.replace("tcp dport 99", "\ttcp dprot 99")
    assert words(load_texts(rules=wrong))[:2] == [
        (11, "nft: syntax error, unexpected string, at column 14: dprot"),
        (11, "tcp dprot 99 jump { tcp flags syn accept; drop; }"),
    ]
    assert words(load_texts(rules="-A INPUT -p tcp --dport 80 -j NOWHERE\n"))[1:] == [
        (1, "iptables-restore v1.8.11 (nf_tables): Chain 'NOWHERE' does not exist"),
        (1, "-A INPUT -p tcp --dport 80 -j NOWHERE"),
    ]
    assert words(load_texts(rules="*filter\n-A INPT -j DROP\nCOMMIT\n")) == [
        (2, "iptables-restore: No chain/target/match by that name."),
        (2, "-A INPT -j DROP"),
    ]
    fed = words(load_texts(script=FED.replace("tcp dport ${PORT}", "tcp dprot ${PORT}")))
    assert (15, "tcp dprot 8081 accept") in fed
    assert next(text for line, text in fed if line == 15).startswith(
        "nft: syntax error, unexpected string, at"
    )


def test_a_list_of_rules_goes_into_the_table_filter(load_texts):
    """And keeps the numbers of its own lines."""
    loaded = load_texts(rules="-A INPUT -p tcp --dport 80 -j ACCEPT\n-A INPUT -p tcp --dport x -j ACCEPT\n")
    assert loaded.files[0]["loaded"] is False
    assert {line for line, text in words(loaded) if "x" in text or "line" in text} == {2}
    assert numbers(load_texts(rules="# a\n-A INPUT -p tcp --dport 80 -j ACCEPT\n")) == [2]


@pytest.mark.parametrize(
    "text", ["*filter\r\n-A INPUT -j DROP\r\nCOMMIT\r\n", "\ufeff*filter\n-A INPUT -j DROP\nCOMMIT\n"]
)
def test_a_file_is_never_mended(load_texts, text):
    """What its tool refuses is refused, and said why."""
    loaded = load_texts(rules=text)
    assert loaded.files[0]["loaded"] is False
    assert "CR LF" in words(loaded)[0][1] or "byte order mark" in words(loaded)[0][1]
    assert words(loaded)[1][0] == 1


def test_an_nft_script(load_texts):
    """Definitions, an interface that has to be there, sets over two lines, braces in a comment, an empty include."""
    loaded = load_texts(rules=NFT)
    assert loaded.files[0] == {"path": "rules", "form": "nft", "loaded": True, "exit": 0, "messages": []}
    assert numbers(loaded) == [14, 8, 9, 11]
    assert loaded.lines.policies["inet", "filter", "in"].line == 7


def test_what_nft_lists_is_loaded_as_it_is(load_texts):
    """Handles, counters and all."""
    assert numbers(load_texts(rules=LISTED)) == [4]


def test_a_fragment_of_ufws(load_texts):
    """Its chains are hooked, those that it jumps to are what they are in ufw, and only its own rules have lines."""
    loaded = load_texts(user=UFW)
    assert (loaded.files[0]["form"], loaded.files[0]["loaded"]) == ("ufw", True)
    texts = {rule.text: line for rule, line in zip(loaded.ruleset.rules, numbers(loaded), strict=True)}
    assert texts["-A INPUT -j ufw-user-input"] is None
    assert texts["-A ufw-user-limit -j REJECT --reject-with icmp-port-unreachable"] is None
    assert texts["-A ufw-user-input -p tcp -m tcp --dport 22 -j ufw-user-limit-accept"] == 5


def test_what_a_script_feeds_to_a_tool_has_the_lines_of_the_script(load_texts):
    """From a here-document, from a file that it wrote; what comes out of a pipe has the line of the call."""
    loaded = load_texts(script=FED)
    assert loaded.files[0]["messages"] == []
    by_chain = dict(zip([rule.place[:3] for rule in loaded.ruleset.rules], numbers(loaded), strict=True))
    assert by_chain == {
        ("ip", "filter", "INPUT"): 8,
        ("inet", "more", "in"): 15,
        ("ip6", "filter", "INPUT"): 20,
    }
    assert loaded.lines.policies["ip", "filter", "INPUT"].line == 6


@pytest.mark.variation
def test_a_function_that_passes_its_words_on_has_no_line(load_texts):
    """The line is that of who called it; in a function that knows what it wants, it is the function's own."""
    wrapper = 'run() { "$@" || exit 1; }\nadd() {\n  run iptables -A "$@"\n}\nadd INPUT -j DROP\n'
    own = "limit() {\n  add INPUT -p tcp --dport $1 -j DROP\n}\nlimit 80\n"
    assert numbers(load_texts(script=wrapper + own)) == [5, 7]
    assert numbers(load_texts(script=f"#!/bin/sh\n{wrapper}{own}")) == [6, 8]


@pytest.mark.variation
def test_a_script_of_init(load_texts):
    """It is started; what it sets is set anew; what it looks for and does not find, it has not missed."""
    loaded = load_texts(script=INIT)
    assert (loaded.files[0]["loaded"], loaded.files[0]["exit"]) == (True, 0)
    assert (7, "iptables v1.8.11 (nf_tables): Chain 'NOPE' does not exist") in words(loaded)
    assert numbers(loaded) == [8]
    assert any("legacy" in text for _, text in words(loaded))
    sysctls = next(text["text"] for text in loaded.texts if text["tool"] == "sysctl")
    assert sorted(sysctls.splitlines()) == [
        "net/ipv4/tcp_abort_on_overflow = 1", "net/ipv4/tcp_fin_timeout = 33",
    ]  # fmt: skip


def test_files_are_loaded_in_order_on_one_host(load_texts):
    """What the second takes away of the first is gone; the rest keeps its lines."""
    loaded = load_texts(first=BY_HAND, second=FED, third="-A INPUT -p tcp --dport 7 -j DROP\n")
    assert [file["loaded"] for file in loaded.files] == [True, True, True]
    known = [loaded.lines.rules.get(rule.place) for rule in loaded.ruleset.rules]
    assert [line for line in known if line and line.file != "second"] == [("first", 13), ("third", 1)]


def test_rules_of_others_that_a_file_takes_away(load_texts):
    """One that names only the chain INPUT takes all of its table (case 10); a whole one means to."""
    by_hand = load_texts(rules="# a\n*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n").wiped
    assert [(each.line, list(each.tables)) for each in by_hand] == [(2, ["ip filter"])]
    whole = "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
    assert load_texts(rules=whole).wiped == []
    assert len(load_texts(rules=NFT).wiped[0].tables) == 11


@pytest.mark.variation
def test_a_script_that_never_ends_is_ended(load_texts):
    """At its deadline, with exit status 4."""
    with pytest.raises(GaveUp) as gave_up:
        load_texts(**{"-": "iptables -A INPUT -j DROP\nwhile :; do sleep 1; done\n"})
    assert gave_up.value.status == 4
    assert "standard input did not end" in str(gave_up.value)


BOTH = """# Generated by iptables-save v1.8.9
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp --dport 443 -m connlimit --connlimit-above 5 --connlimit-mask 32 -j DROP
COMMIT
# Generated by ip6tables-save v1.8.9
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp --dport 443 -m connlimit --connlimit-above 9 --connlimit-mask 64 -j DROP
COMMIT
"""


def test_a_text_of_both_families_is_loaded_part_by_part(load_texts):
    """Each by its tool, with the lines of the whole; what one tool refuses does not take the other's away."""
    loaded = load_texts(both=BOTH)
    assert [(file["form"], file["loaded"]) for file in loaded.files] == [
        ("iptables-save and ip6tables-save", True)
    ]
    assert {(place[0], line.line) for place, line in loaded.lines.rules.items()} == {("ip", 4), ("ip6", 9)}
    assert {(chain[0], line.line) for chain, line in loaded.lines.policies.items()} == {("ip", 3), ("ip6", 8)}
    for old, kept, at in (("above 5", "ip6", 4), ("above 9", "ip", 9)):
        partly = load_texts(both=BOTH.replace(old, "above x"))
        assert [file["loaded"] for file in partly.files] == ["partly"]
        assert at in {message["line"] for message in partly.files[0]["messages"]}
        assert [place[0] for place in partly.lines.rules] == [kept]
