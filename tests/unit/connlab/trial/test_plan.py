"""What rules name, and the rows that are tried for it."""

from __future__ import annotations

import ipaddress

import pytest

from connlab.trial.dialling.plan import Plan, Row, Wishes, judged, plan, request
from connlab.trial.hosts import addresses
from connlab.trial.rules.facts import facts, sent_to
from connlab.trial.rules.named_nets import NO_SOURCE
from connlab.trial.rules.ruleset import Ruleset
from connlab.trial.rules.ruleset_reading import read
from tests.support.trials import listing, ruleset

SET = "\tset office { # handle 80\n\t\ttype ipv4_addr\n\t\telements = { 10.1.2.3,\n\t\t\t     192.168.7.0/24 }\n\t}\n"
SAVED = """*filter
:INPUT ACCEPT [0:0]
{rules}
COMMIT
"""


def saved(*rules: str) -> Ruleset:
    """Return rules in the words of iptables-save."""
    chain = "".join(f"\t\tcounter packets 0 bytes 0 # handle {number}\n" for number, _ in enumerate(rules, 1))
    hook = "\t\ttype filter hook input priority 0;\n"
    nft = f"table ip filter {{ # handle 1\n\tchain INPUT {{ # handle 9\n{hook}{chain}\t}}\n}}\n"
    return read({"nft": nft, "iptables": SAVED.format(rules="\n".join(rules))})


def laid_out(rules: Ruleset, **wishes: object) -> Plan:
    """Return the plan of rules."""
    return plan(facts(rules), [], Wishes(**wishes))  # type: ignore[arg-type]


def test_facts_of_iptables():
    """Not what stands in quotes, nor what no host may have as its address."""
    found = facts(saved(
        '-A INPUT -s 10.0.0.0/8 -i wan+ -p tcp -m tcp --dport 443 -j LOG --log-prefix "-s 8.8.8.8 --dport 9"',
        "-A INPUT ! -s 172.16.0.0/12 ! -i lan0 -p tcp -m multiport --dports 80,8000:8010 -j DROP",
        "-A INPUT -s 224.0.0.0/3 -j DROP", "-A INPUT -s 127.0.0.0/8 ! -i lo -j DROP", "-A INPUT -s 0.0.0.0/8 -j DROP",
        "-A INPUT -d 203.0.113.10/32 -p udp -m udp --dport 53 -j ACCEPT", "-A INPUT -d 255.255.255.255/32 -j DROP",
        "-A INPUT -m iprange --src-range 192.168.1.10-192.168.1.20 -j ACCEPT",
    ))  # fmt: skip
    assert found.ports == [443, 80, 8000]
    assert found.interfaces == ["wan0", "lan0", "eth0"]  # one that is neither, for `! -i lan0`
    assert [each.net for each in found.targets] == ["203.0.113.10/32"]
    assert [each.net for each in found.sources] == ["10.0.0.0/8", "192.168.1.12/30", "172.16.0.0/12"]


def test_facts_of_nft():
    """Elements of a set are what a rule names by it."""
    found = facts(ruleset(
        "ip saddr @office tcp dport 22 accept", 'iifname "wan0" tcp dport { 80, 443 } ct count over 20 drop',
        "ip6 saddr 2001:db8::/32 tcp dport 443 drop", "tcp dport 8080 redirect to :3128",
        "add @seen { ip saddr ct count over 7 } drop", more=SET,
    ))  # fmt: skip
    assert found.ports == [22, 80, 443, 8080]
    assert found.interfaces == ["wan0"]
    assert [each.net for each in found.sources] == ["10.1.2.3/32", "192.168.7.0/24", "2001:db8::/32"]
    assert (found.elsewhere, found.largest) == ([3128], 20)


DOCKER = """table ip nat { # handle 1
\tchain PREROUTING { # handle 1
\t\ttype nat hook prerouting priority dstnat; policy accept;
\t\tfib daddr type local jump DOCKER # handle 10
\t}
\tchain POSTROUTING { # handle 2
\t\ttype nat hook postrouting priority srcnat; policy accept;
\t\tip saddr 172.17.0.2 ip daddr 172.17.0.2 tcp dport 80 masquerade # handle 11
\t\tip saddr 10.9.0.0/16 masquerade # handle 12
\t}
\tchain FORWARD { # handle 3
\t\ttype filter hook forward priority filter; policy drop;
\t\tip saddr 10.8.0.0/16 ip daddr 172.17.0.3 tcp dport 80 accept # handle 13
\t}
\tchain DOCKER { # handle 4
\t\tiifname != "docker0" tcp dport 8080 dnat to 172.17.0.2:80 # handle 14
\t\tip daddr 203.0.113.9 tcp dport 25 dnat to 127.0.0.1:2525 # handle 15
\t}
\tchain INPUT { # handle 5
\t\ttype filter hook input priority filter; policy accept;
\t\tip saddr 172.17.0.2 tcp dport 22 accept # handle 16
\t\tip saddr 10.7.0.0/16 tcp dport 22 accept # handle 17
\t}
}
"""


def test_who_dials_is_what_rules_of_packets_that_come_in_say():
    """Nets of FORWARD and POSTROUTING are those of hosts behind this one."""
    found = facts(read({"nft": DOCKER}))
    assert [each.net for each in found.sources] == ["172.17.0.2/32", "10.7.0.0/16"]
    assert [each.net for each in found.targets] == ["203.0.113.9/32"]
    assert (found.sent_to, found.elsewhere) == (["172.17.0.2"], [80, 2525])


def test_nobody_dials_from_an_address_of_the_server():
    """It would be answered by itself: no such row."""
    plan = laid_out(read({"nft": DOCKER}))
    assert "172.17.0.2" in plan.targets
    assert {row.net for row in plan.rows} == {"any", "10.7.0.0/16"}


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.2", "10.0.0.2"),
        ("-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.2:80-90", "10.0.0.2"),
        ("-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.2-10.0.0.9", "10.0.0.2"),
        ("-A PREROUTING -p tcp -j DNAT --to-destination [2001:db8::2]:80", "2001:db8::2"),
        ("-A PREROUTING -p tcp -j DNAT --to-destination :80", None),
        ("tcp dport 80 dnat ip6 to [2001:db8::2]:80", "2001:db8::2"),
        ("tcp dport 80 dnat ip to 10.0.0.2", "10.0.0.2"),
        ("tcp dport 80 dnat to 10.0.0.2:8080 comment \"x\"", "10.0.0.2"),
        ("tcp dport 80 dnat to 127.0.0.1:8080", None),
    ],
)  # fmt: skip
def test_where_a_rule_sends_connections_on(text, address):
    """The first address of a range; this host's loopback is none."""
    assert sent_to(text) == ([address] if address else [])


@pytest.mark.parametrize(
    ("text", "largest"),
    [
        ("-m connlimit --connlimit-above 7", 7), ("-m recent --rcheck --seconds 600 --hitcount 20", 20),
        ("-m limit --limit 3/min --limit-burst 5", 5), ("-m hashlimit --hashlimit-above 60/s --hashlimit-burst 5", 60),
        ("-m hashlimit --hashlimit-above 5000/sec --hashlimit-burst 5", 5),
    ],
)  # fmt: skip
def test_the_largest_number_is_one_that_dials_can_come_to(text, largest):
    """A rate of thousands is none; a period is no number of dials."""
    assert facts(saved(f"-A INPUT -p tcp {text} -j DROP")).largest == largest


def test_the_cap_is_beyond_the_largest_number():
    """Or what is wished for."""
    assert laid_out(ruleset("ct count over 100 drop")).cap == 125
    assert laid_out(ruleset("ct count over 100 drop"), dials=200).cap == 200


@pytest.mark.parametrize(
    ("rules", "wished", "ports"),
    [
        (ruleset("tcp dport 443 accept"), (), [443, 8090]),
        (ruleset("tcp dport 8090 accept"), (), [8090, 8099]),
        (ruleset("tcp dport 443 accept"), (8099,), [443, 8099, 8090]),
        (ruleset("ct count over 5 drop"), (8081,), [8081, 8090]),
        (ruleset("ct count over 5 drop"), (), [8090, 8099]),  # two, so that they can be seen to share
    ],
)
def test_a_port_that_no_rule_names_is_tried_too(rules, wished, ports):
    """After those that are named, and those that are wished for."""
    found = laid_out(rules, ports=wished)
    assert list(found.ports) == ports
    assert {(row.port, row.family) for row in found.rows} == {
        (port, family) for port in ports for family in (4, 6)
    }


def of(rows: Plan, port: int, family: int = 4) -> list[Row]:
    """Return the rows of a port."""
    return [row for row in rows.rows if (row.port, row.family) == (port, family)]


def test_a_net_has_a_row_where_a_rule_about_the_port_names_it():
    """By the interface that the rule names; its first source is inside, the first of all others outside."""
    rows = laid_out(ruleset(
        'iifname "lan0" ip saddr 10.0.0.0/8 tcp dport 22 accept', 'iifname "wan0" tcp dport 443 accept',
        "ip saddr 198.18.0.0/15 ct count over 3 drop",
    ))  # fmt: skip
    assert [(row.net, row.via) for row in of(rows, 22)] == [
        ("any", "lan0"), ("any", "wan0"), ("198.18.0.0/15", "lan0"), ("10.0.0.0/8", "lan0"),
    ]  # fmt: skip
    assert [row.net for row in of(rows, 443)] == ["any", "any", "198.18.0.0/15"]
    nets = [ipaddress.ip_network(net) for net in ("10.0.0.0/8", "198.18.0.0/15")]
    others, _, mine, _ = of(rows, 22)
    assert not any(ipaddress.ip_address(others.source) in net for net in nets)
    assert ipaddress.ip_address(mine.source) in nets[1]
    assert {row.net for row in of(rows, 22, family=6)} == {"any"}


def test_one_net_stands_for_all_that_are_only_refused():
    """Lists of addresses that nobody wants are long."""
    rows = laid_out(
        ruleset(*(f"ip saddr 10.{number}.0.0/16 drop" for number in range(9)), "tcp dport 22 accept")
    )
    assert [row.net for row in of(rows, 22)] == ["any", "10.0.0.0/16"]


def test_addresses_of_the_server_have_rows_where_there_are_several():
    """Those that rules about the port name; where there is one, it is the one to dial."""
    rows = laid_out(ruleset(
        "ip daddr 203.0.113.10 tcp dport 25 accept", "ip daddr 203.0.113.11 tcp dport 25 drop",
        "ip daddr 203.0.113.12 tcp dport 22 accept",
    ))  # fmt: skip
    assert [(row.target, row.to) for row in of(rows, 25)] == [
        ("203.0.113.10", "203.0.113.10"), ("203.0.113.11", "203.0.113.11")
    ]  # fmt: skip
    assert [(row.target, row.to) for row in of(rows, 22)] == [("203.0.113.12", "any")]
    assert {"203.0.113.10", "203.0.113.11", "203.0.113.12"} <= set(rows.targets)


def test_the_host_listens_on_ports_to_which_rules_send():
    """Else nobody would be let in by them."""
    rows = laid_out(ruleset("tcp dport 80 redirect to :3128"))
    listen = request(rows, rows.rows[0], [], ["198.18.85.170"])["steps"][0]
    assert listen["ports"] == [80, 8090, 3128]


@pytest.mark.parametrize(
    ("rules", "families"),
    [
        (ruleset("tcp dport 80 accept"), [4, 6]),
        (saved("-A INPUT -p tcp -j DROP"), [4]),
        (ruleset(policy="drop"), [4, 6]),
        (ruleset(), []),
    ],
)
def test_a_family_is_judged_if_any_rule_or_policy_is_in_its_way(rules, families):
    """Else there is no more to try than who gets in."""
    assert [family for family in (4, 6) if judged(rules, family)] == families


@pytest.mark.parametrize("source", ["198.18.85.170", "10.0.0.1", "2001:db8:5555:5555:5555:5555:5555:5555"])
def test_a_neighbour_shares_its_prefix_and_not_one_bit_more(source):
    """And differs in lower bits too; none is of a net from which nobody dials."""
    for prefix, other in addresses.neighbours(source).items():
        near, far = (ipaddress.ip_network(f"{source}/{bits}", strict=False) for bits in (prefix, prefix + 1))
        assert ipaddress.ip_address(other) in near
        assert ipaddress.ip_address(other) not in far
        assert not any(ipaddress.ip_address(other) in net for net in NO_SOURCE if net.version == near.version)


def test_a_neighbour_is_in_no_net_that_is_treated_otherwise():
    """Only in that of its row."""
    all_of_them = addresses.neighbours("198.18.85.170")
    found = addresses.neighbours("198.18.85.170", others=["198.19.0.0/16"])
    assert set(all_of_them) - set(found) == {15}
    inside = addresses.neighbours("198.18.85.170", "198.18.85.0/24", ["198.18.85.0/24"])
    assert min(inside) == 24


def test_the_first_source_is_outside_of_all_that_is_named():
    """Whatever is named."""
    nets = ["198.18.0.0/15", "203.0.113.0/24", "192.0.2.0/24", "0.0.0.0/4", "16.0.0.0/4"]
    source = ipaddress.ip_address(addresses.first_source(4, nets))
    assert not any(source in ipaddress.ip_network(net) for net in nets)


def test_a_listing_has_no_rule_of_ours():
    """What the trace adds is none of the host's (the control of what is read here)."""
    ours = listing("tcp dport 9 accept").replace("guard", "connlab_trace")
    assert read({"nft": ours}).rules == []


def test_a_port_is_dialled_by_the_interface_that_its_rule_names():
    """Also where rules name more interfaces than one port is dialled by."""
    some = [f'iifname "lan{number}" accept' for number in range(6)]
    laid = laid_out(ruleset(*some, 'iifname "tun*" tcp dport 1194 accept'))
    assert "tun0" in {row.via for row in laid.rows if row.port == 1194}
    assert {row.via for row in laid.rows} <= set(laid.interfaces)
