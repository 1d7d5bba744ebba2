"""What rules name: ports, interfaces, addresses of the server, nets of sources, and the numbers that limit."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from connlab.trial.rules import rule_ports
from connlab.trial.rules.interface_names import all_interfaces, interfaces, words
from connlab.trial.rules.jumps import INWARD, jumps
from connlab.trial.rules.named_nets import SOURCES, TARGETS, Named, places
from connlab.trial.rules.ruleset import QUOTED, Ruleset

MOST_PORTS = 16
UNNAMED = (8090, 8099, *range(9009, 9100))  # the first that the rules do not name is tried too
OFTEN = (80, 443, 22, 8080)
ELSEWHERE = re.compile(
    r"--to-ports? (\d+)|--to-destination \S*?:(\d+)|redirect to :(\d+)|dnat (?:ip6? )?to \S*:(\d+)"
)
# Addresses to which a rule sends connections on: they are the server's own here, so that somebody answers.
SENT_TO = re.compile(
    r"(?:--to-destination|\bdnat (?:ip6? )?(?:prefix )?to) (?:\[([^\]\s]+)\]|([\d.]+)|([\da-fA-F:]+))"
)
LIMITS = re.compile(
    r"--connlimit-(?:above|upto) (\d+)|\bct count (?:over )?(\d+)|--hitcount (\d+)|--limit-burst (\d+)"
    r"|--hashlimit-burst (\d+)|burst (\d+) packets"
)
RATES = re.compile(r"--limit (\d+)/|--hashlimit(?:-above|-upto)? (\d+)/|limit rate (?:over )?(\d+)/")
MOST_OF_A_RATE = 200  # dials are 50 a second: what is far above that no number of them comes to


class Facts(NamedTuple):
    """What the rules of a host name, each in the order in which it first comes."""

    ports: list[int]
    interfaces: list[str]
    targets: list[Named]
    sources: list[Named]
    elsewhere: list[int]  # ports to which a rule sends connections on
    largest: int  # number that limits, 0 if there is none
    of_port: Callable[[int], list[str]] = lambda port: []  # interfaces, of rules that name a port
    more_ports: Sequence[int] = ()  # than are tried
    sent_to: Sequence[str] = ()  # addresses to which a rule sends connections on


def facts(ruleset: Ruleset, missing: Sequence[str] = ()) -> Facts:
    """Read what the rules name. Rules that were never loaded name ports too.

    Who dials, and to which address, is what rules of packets that come in say: in FORWARD and POSTROUTING stand hosts
    behind this one.
    """
    chains = jumps(ruleset)
    texts = [_without_log_prefix(ruleset.words(rule)) for rule in ruleset.rules]
    inward = [
        text for text, rule in zip(texts, ruleset.rules, strict=True)
        if (chains.hooks(rule.place[:3]) or INWARD) & INWARD
    ]  # fmt: skip
    ports = _ports([*texts, *missing])
    return Facts(
        ports[:MOST_PORTS],
        all_interfaces(texts),
        places(TARGETS, inward),
        places(SOURCES, inward),
        [int(port) for text in texts for port in words(ELSEWHERE, text)],
        max((number for text in texts for number in numbers(text)), default=0),
        lambda port: [name for text in texts if rule_ports.names(text, port) for name in interfaces(text)],
        ports[MOST_PORTS:],
        list(dict.fromkeys(address for text in inward for address in sent_to(text))),
    )


def sent_to(text: str) -> list[str]:
    """Return the addresses to which a rule sends connections on, but for this host's own loopback."""
    found = [next(filter(None, groups)) for groups in SENT_TO.findall(text)]
    return [str(address) for address in map(_address, found) if address and not address.is_loopback]


def _address(word: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(word)
    except ValueError:
        return None


def _ports(texts: Sequence[str]) -> list[int]:
    """Return the ports to try; of a range its first.

    Of a range that a rule excludes there is one port in it, and for the rule one that it is about.
    """
    excluded = [(text, rule_ports.ranges_excluded(text)) for text in texts]
    named = [each.first for text, ranges in excluded for each in rule_ports.ports(text) if each not in ranges]
    for text, ranges in excluded:
        for each in ranges:
            tried = [*named, next(port for port in UNNAMED if port not in named)]
            if not any(each.first <= port <= each.last for port in tried):
                named.append(each.first)
        if ranges and not any(rule_ports.names(text, port) for port in tried):
            edges = sorted(rule_ports.edges(text))
            named += [port for port in (*OFTEN, *edges) if rule_ports.names(text, port)][:1]
    return list(dict.fromkeys(named))


def _without_log_prefix(text: str) -> str:
    """Leave out what iptables has in quotes: words of people. nft has names of interfaces there."""
    return QUOTED.sub('""', text) if text.startswith("-A ") else text


def numbers(text: str) -> list[int]:
    """Return the numbers that a rule limits by, the counts first."""
    rates = [int(number) for number in words(RATES, text)]
    return [int(number) for number in words(LIMITS, text)] + [
        rate for rate in rates if rate <= MOST_OF_A_RATE
    ]
