"""Repairs of rules: what they change, what they leave alone, and how they are brought to the kernel."""

from __future__ import annotations

import pytest

from connlab.trial.files.lines import Line
from connlab.trial.findings.evidence import Finding
from connlab.trial.repairs import edits, of_iptables, of_nft
from connlab.trial.repairs.line_jobs import of_lines
from connlab.trial.repairs.repair import Where, apply
from connlab.trial.rules.ruleset import Chain, Rule, Ruleset
from tests.support import trials

FOUR, SIX = Where(4, (8081, 8082), "ip guard"), Where(6, (443,), "inet guard")
COUNT = "-m connlimit --connlimit-above 5 --connlimit-mask 32 --connlimit-saddr"
OF_A_NET = "ip6 saddr & ffff:ffff:ffff:ffff::"
SYN = "-p tcp -m tcp --dport 443 --tcp-flags FIN,SYN,RST,ACK SYN"

IPTABLES = [
    ("only_syn", FOUR, f"-A INPUT -p tcp {COUNT} -j DROP", "`--syn`",
     [f"-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN {COUNT} -j DROP"]),
    ("only_syn", FOUR, f"-A INPUT -s 10.0.0.0/8 {COUNT} -j DROP", "`--syn`",
     [f"-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -s 10.0.0.0/8 {COUNT} -j DROP"]),
    ("only_syn", FOUR, f"-A INPUT {SYN} {COUNT} -j DROP", None, []),
    ("only_syn", FOUR, f"-A INPUT -p udp {COUNT} -j DROP", None, []),
    ("whole_address", FOUR, "-A W -p tcp -m connlimit --connlimit-above 5 --connlimit-mask 24 -j DROP", "mask 32",
     ["-A W -p tcp -m connlimit --connlimit-above 5 --connlimit-mask 32 -j DROP"]),
    ("whole_address", SIX, "-A W -m hashlimit --hashlimit-srcmask 32 --hashlimit-name ssh -j DROP", "mask 64",
     ["-A W -m hashlimit --hashlimit-srcmask 64 --hashlimit-name connlab -j DROP"]),
    ("whole_address", FOUR, "-A INPUT -m connlimit --connlimit-above 5 --connlimit-mask 32 --connlimit-daddr -j DROP",
     "`--connlimit-saddr`",
     ["-A INPUT -m connlimit --connlimit-above 5 --connlimit-mask 32 --connlimit-saddr -j DROP"]),
    ("whole_address", FOUR, "-A INPUT -m connlimit --connlimit-above 5 --connlimit-mask 24 --connlimit-daddr -j DROP",
     "`--connlimit-saddr --connlimit-mask 32`",
     ["-A INPUT -m connlimit --connlimit-above 5 --connlimit-mask 32 --connlimit-saddr -j DROP"]),
    ("whole_address", FOUR, "-A OUTPUT -m connlimit --connlimit-above 5 --connlimit-mask 24 --connlimit-daddr -j DROP",
     "mask 32", ["-A OUTPUT -m connlimit --connlimit-above 5 --connlimit-mask 32 --connlimit-daddr -j DROP"]),
    ("whole_address", FOUR, "-A W -m hashlimit --hashlimit-upto 5/min --hashlimit-mode dstport --hashlimit-name d",
     "`--hashlimit-mode srcip,dstport`",
     ["-A W -m hashlimit --hashlimit-upto 5/min --hashlimit-mode srcip,dstport --hashlimit-name connlab"]),
    ("whole_address", SIX, "-A W -m connlimit --connlimit-above 5 --connlimit-mask 64 -j DROP", None, []),
    ("for_each_source", FOUR, "-A IN -m limit --limit 6/min --limit-burst 9 -j ACCEPT",
     "`-m hashlimit --hashlimit-mode srcip` in place of `-m limit`",
     ["-A IN -m hashlimit --hashlimit-upto 6/min --hashlimit-burst 9 --hashlimit-mode srcip"
      " --hashlimit-name connlab -j ACCEPT"]),
    ("for_each_port", FOUR, f"-A WEB -p tcp -m multiport --dports 8081,8082 {COUNT} -j DROP", "a rule for each port",
     [f"-A WEB -p tcp -m tcp --dport {port} {COUNT} -j DROP" for port in (8081, 8082)]),
    ("for_each_port", FOUR, f"-A WEB -p tcp {COUNT} -j DROP", "a rule for each port",
     [f"-A WEB -p tcp -m tcp --dport {port} {COUNT} -j DROP" for port in (8081, 8082)]),
    ("for_each_port", SIX, f"-A WEB -p tcp {COUNT} -j DROP", None, []),
    ("for_each_port", FOUR, "-A FLOOD -m limit --limit 1/sec -j RETURN", None, []),
    ("for_each_port", FOUR, "-A W -p tcp -m hashlimit --hashlimit-above 1/sec --hashlimit-name s -j DROP",
     "a rule for each port",
     ["-A W -p tcp -m tcp --dport 8081 -m hashlimit --hashlimit-above 1/sec --hashlimit-name s8081 -j DROP",
      "-A W -p tcp -m tcp --dport 8082 -m hashlimit --hashlimit-above 1/sec --hashlimit-name s8082 -j DROP"]),
    ("ports_first", FOUR, f"-A IN -i wan0 -p tcp {COUNT} -m multiport --dports 81,82 -j LOG --log-prefix \"a -j b\"",
     "the ports before `-m connlimit`",
     [f"-A IN -i wan0 -p tcp -m multiport --dports 81,82 {COUNT} -j LOG --log-prefix \"a -j b\""]),
    ("ports_first", FOUR, f"-A IN {SYN} {COUNT} -j DROP", None, []),
    ("upright", FOUR, "-A IN -m connlimit --connlimit-upto 3 --connlimit-mask 32 -j DROP", "`--connlimit-above 3`",
     ["-A IN -m connlimit --connlimit-above 3 --connlimit-mask 32 -j DROP"]),
    ("upright", FOUR, "-A IN -m connlimit --connlimit-upto 3 --connlimit-mask 32 -j ACCEPT", None, []),
    ("count", FOUR, "-A IN -m state --state NEW -m recent --update --seconds 20 --hitcount 5 --name ssh"
     " --mask 255.255.255.255 --rsource -j REJECT", "`-m connlimit --connlimit-above 5` in place of `-m recent`",
     ["-A IN -m state --state NEW -m connlimit --connlimit-above 5 -j REJECT"]),
    *(("count", Where(4, limit=limit), "-A IN -m recent --rcheck --hitcount 10 --name a -j DROP",
       f"`-m connlimit --connlimit-above 10` in place of `-m recent`{less}",
       ["-A IN -m connlimit --connlimit-above 10 -j DROP"])
      for limit, less in ((10, ""), (9, ", which lets in 9"), (3, ""))),
    ("count", FOUR, "-A IN -m recent --set --name ssh --mask 255.255.255.255 --rsource", None, []),
    ("told", FOUR, "-A IN -p tcp -j REJECT --reject-with icmp-port-unreachable", "`--reject-with tcp-reset`",
     ["-A IN -p tcp -j REJECT --reject-with tcp-reset"]),
    ("told", FOUR, "-A IN -j REJECT --reject-with icmp-port-unreachable", None, []),
    ("refusing", FOUR, f"-A IN -p tcp {COUNT} -j LOG --log-prefix \"many: \"", "`-j REJECT` behind the LOG",
     [f"-A IN -p tcp {COUNT} -j LOG --log-prefix \"many: \"",
      f"-A IN -p tcp {COUNT} -j REJECT --reject-with tcp-reset"]),
]  # fmt: skip

NFT = [
    ("only_syn", FOUR, "tcp dport 22 ct state new add @s { ip saddr ct count over 2 } reject",
     "`tcp flags & (fin | syn | rst | ack) == syn`",
     [f"{of_nft.SYN} tcp dport 22 ct state new add @s {{ ip saddr ct count over 2 }} reject"]),
    ("only_syn", FOUR, "tcp flags syn limit rate 2/second accept", None, []),
    ("whole_address", FOUR, "add @s { ip saddr & 255.255.255.0 ct count over 2 } drop", "mask 32",
     ["add @s { ip saddr ct count over 2 } drop"]),
    ("whole_address", FOUR, "add @s { ip daddr ct count over 2 } drop", "`saddr`",
     ["add @s { ip saddr ct count over 2 } drop"]),
    ("whole_address", SIX, "add @s { ip6 saddr & ffff:ffff:: ct count over 2 } drop", "mask 64",
     ["add @s { ip6 saddr & ffff:ffff:ffff:ffff:: ct count over 2 } drop"]),
    ("whole_address", SIX, "add @s { ip6 saddr & ffff:ffff:ffff:ffff:: ct count over 2 } drop", None, []),
    ("for_each_source", FOUR, "tcp dport { 80, 443 } ct state new ct count over 6 counter reject",
     "`add @sources { ip saddr ct count over 6 }`",
     ["tcp dport { 80, 443 } ct state new add @connlab_sources { ip saddr ct count over 6 } counter reject"]),
    ("for_each_source", SIX, "tcp dport 443 limit rate over 6/minute burst 3 packets drop",
     f"`add @sources {{ {OF_A_NET} limit rate over 6/minute burst 3 packets }}`",
     [f"tcp dport 443 add @connlab_sources {{ {OF_A_NET} limit rate over 6/minute burst 3 packets }} drop"]),
    ("for_each_source", FOUR, "add @s { ip saddr ct count over 6 } drop", None, []),
    ("for_each_port", FOUR, "tcp dport { 8081, 8082 } ct count over 6 drop", "a rule for each port",
     ["tcp dport 8081 ct count over 6 drop", "tcp dport 8082 ct count over 6 drop"]),
    ("for_each_port", FOUR, "limit rate 1/second return", None, []),
    ("for_each_port", FOUR, "tcp dport { 8081, 8082 } add @s { ip saddr ct count over 6 } drop", None, []),
    ("upright", FOUR, "tcp dport 22 ct count 6 drop", "`ct count over 6`", ["tcp dport 22 ct count over 6 drop"]),
    ("upright", FOUR, "tcp dport 22 ct count 6 accept", None, []),
    ("told", FOUR, "tcp dport 22 counter reject with icmp port-unreachable", "`reject with tcp reset`",
     ["tcp dport 22 counter reject with tcp reset"]),
    ("told", FOUR, "tcp dport 22 counter reject with tcp reset", None, []),
    ("refusing_above", FOUR, "tcp flags syn limit rate 2/second burst 4 packets accept",
     "`limit rate over 2/second burst 4 packets drop`",
     ["tcp flags syn limit rate over 2/second burst 4 packets drop"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "where", "rule", "expected"),
    [
        (getattr(module, name), where, rule, (words, rules))
        for module, table in ((of_iptables, IPTABLES), (of_nft, NFT))
        for name, where, rule, words, rules in table
    ],
)
def test_a_repair_changes_what_is_wrong_and_no_more(change, where, rule, expected):
    """Its words say what; a rule that it is not for stays."""
    made = change(rule, where)
    assert (made and made.words, list(made.rules) if made else []) == expected


def test_a_count_in_another_line_than_the_refusal_is_repaired_where_it_is():
    """The refusing rule is tried too, as rules that let in below a count may stand before it."""
    rules = trials.ruleset(
        "add @seen { ip saddr ct count over 6 } jump punish",
        more="\tset seen { # handle 80\n\t\ttype ipv4_addr\n\t\tsize 1024\n\t\tflags dynamic\n\t}\n"
        "\tchain punish { # handle 40\n\t\treject with tcp reset # handle 41\n\t}\n",
    )
    row = trials.tried(trials.dials("E6 R10"), reached=[1])
    evidence = trials.evidence(rules, row)
    found = [("live-reset", Finding("", row, Line("a.nft", trials.FIRST_LINE + 40)))]
    made = [job.texts[0]["text"].splitlines() for job in of_lines(evidence, found)]
    assert [lines[-1].split()[-3:] for lines in made] == [
        ["punish", "handle", "41"],
        ["input", "handle", "1"],
    ]
    assert all(of_nft.SYN in lines[0] for lines in made)


def test_several_repairs_are_one():
    """The next one changes what the last one made; their words are joined."""
    rule = "-A WEB -p tcp -m connlimit --connlimit-above 5 --connlimit-mask 24 -j DROP"
    changes = [
        of_iptables.only_syn,
        of_iptables.upright,
        of_iptables.whole_address,
        of_iptables.for_each_port,
    ]
    made = apply(changes, rule, FOUR)
    assert made is not None
    repair, applied = made
    assert repair.words == "`--syn`, mask 32 and a rule for each port"
    option = "--tcp-flags FIN,SYN,RST,ACK SYN -m connlimit --connlimit-above 5 --connlimit-mask 32 -j DROP"
    assert repair.rules == [f"-A WEB -p tcp -m tcp --dport {port} {option}" for port in (8081, 8082)]
    assert applied == {*changes} - {of_iptables.upright}
    assert apply([of_iptables.upright], rule, FOUR) is None


def ruleset(family: str, table: str, chain: str, *texts: str) -> Ruleset:
    """Return a chain of rules, whose handles are 4, 5, ..."""
    rules = [Rule((family, table, chain, handle), text, None) for handle, text in enumerate(texts, 4)]
    return Ruleset({(family, table, chain): Chain(family, table, chain, "input", "accept")}, rules, {}, {})


IPT = ruleset("ip", "filter", "INPUT", "-A INPUT -j A", "-A INPUT -j B", "-A INPUT -j C")
BY_NFT = ruleset("inet", "f", "in", "tcp dport 1 accept", "ct count 2 drop", "drop")


def test_rules_come_into_the_place_of_one():
    """By their number in the chain, or by handle; in their order."""
    made = edits.replaced(IPT, ("ip", "filter", "INPUT", 5), ["-A INPUT -j X", "-A INPUT -j Y"])
    assert made == {
        "tool": "iptables-beside",
        "text": "*filter\n-D INPUT 2\n-I INPUT 2 -j X\n-I INPUT 3 -j Y\nCOMMIT\n",
    }
    made = edits.replaced(
        BY_NFT, ("inet", "f", "in", 5), ["drop", "accept"], ["add set inet f s { type ipv4_addr; }"]
    )
    assert made["text"].splitlines() == [
        "add set inet f s { type ipv4_addr; }",
        "insert rule inet f in position 5 drop",
        "insert rule inet f in position 5 accept",
        "delete rule inet f in handle 5",
    ]


def test_a_rule_moves_upwards_in_its_chain_alone():
    """Where it was is counted before; a policy, a later rule or another chain is no place to move to."""
    last, first = ("ip", "filter", "INPUT", 6), ("ip", "filter", "INPUT", 4)
    made = edits.moved(IPT, last, first, "-A INPUT -j C")
    assert made == {"tool": "iptables-beside", "text": "*filter\n-D INPUT 3\n-I INPUT 1 -j C\nCOMMIT\n"}
    made = edits.moved(BY_NFT, ("inet", "f", "in", 5), ("inet", "f", "in", 4), "ct count 2 drop")
    assert made == {
        "tool": "nft",
        "text": "insert rule inet f in position 4 ct count 2 drop\ndelete rule inet f in handle 5\n",
    }
    assert edits.moved(IPT, first, last, "-A INPUT -j A") is None
    assert edits.moved(IPT, last, ("ip", "filter", "INPUT", 0), "-A INPUT -j C") is None
    assert edits.moved(IPT, last, ("ip", "filter", "WEB", 4), "-A INPUT -j C") is None


def test_a_rule_comes_before_all_others_or_into_ip6tables():
    """In the chain's own language."""
    assert edits.preceded(IPT, ("ip", "filter", "INPUT"), "-j X", "accept")["text"] == (
        "*filter\n-I INPUT 1 -j X\nCOMMIT\n"
    )
    assert (
        edits.preceded(BY_NFT, ("inet", "f", "in"), "-j X", "accept")["text"]
        == "insert rule inet f in accept\n"
    )
    made = edits.also_by_ip6tables(("ip", "filter", "INPUT", 4), "-A INPUT -j A")
    assert made == {"tool": "ip6tables-beside", "text": "*filter\n-A INPUT -j A\nCOMMIT\n"}
