"""What rules name: ports, interfaces, addresses of the server, nets of sources, and the numbers that limit."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from connlab.trial import rule_ports, rule_text, rule_verdicts
from connlab.trial.addresses import NO_SOURCE
from connlab.trial.ruleset import QUOTED, Ruleset

MOST_PORTS = 16
UNNAMED = (8090, 8099, *range(9009, 9100))  # the first that the rules do not name is tried too
OFTEN = (80, 443, 22, 8080)
# How iptables-save and nft write what a packet must have; lists with commas or braces.
NFT_NAMES = r"(\{[^}]*\}|\"[^\"]*\")"  # of interfaces; nft lists each in quotes
INTERFACES = re.compile(rf"(?:-i|--in-interface) (\S+)|\biif(?:name)? (?:!= |v?map )?{NFT_NAMES}")
NO_INTERFACE = re.compile(rf"! (?:-i|--in-interface) (\S+)|\biif(?:name)? != {NFT_NAMES}")
NO_NAME = re.compile(r"[/:\s]|^\.{0,2}$|^[+*]$")  # what no interface is called, or any
LONGEST_NAME = 15
NOT_OF_A_CLIENT = {"lo", "all", "default"}
VALUES = re.compile(r" : [^,}]*")  # of a map
OTHER_INTERFACES = ("eth0", "net0", "other0")
COUNTED, LET_IN, REFUSED = 0, 1, 2
TARGETS = re.compile(r"(?<!! )-d (\S+)|\bip6? daddr (?!!=)(\{[^}]*\}|\S+)")
SOURCES = re.compile(
    r"-s (\S+)|--src-range (\S+)|\bip6? saddr (?:!= )?(?!ct |limit |\. |& |@)(\{[^}]*\}|\S+)"
)
ELSEWHERE = re.compile(
    r"--to-ports? (\d+)|--to-destination \S*?:(\d+)|redirect to :(\d+)|dnat (?:ip6? )?to \S*:(\d+)"
)
LIMITS = re.compile(
    r"--connlimit-(?:above|upto) (\d+)|\bct count (?:over )?(\d+)|--hitcount (\d+)|--limit-burst (\d+)"
    r"|--hashlimit-burst (\d+)|burst (\d+) packets"
)
RATES = re.compile(r"--limit (\d+)/|--hashlimit(?:-above|-upto)? (\d+)/|limit rate (?:over )?(\d+)/")
MOST_OF_A_RATE = 200  # dials are 50 a second: what is far above that no number of them comes to

Net = ipaddress.IPv4Network | ipaddress.IPv6Network


class Named(NamedTuple):
    """An address or net that a rule names, and the ports and the interface that the same rule is about."""

    net: str
    family: int
    about: Callable[[int], bool]
    via: str
    rank: int = 1  # COUNTED, LET_IN or REFUSED by all rules that name it


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


def facts(ruleset: Ruleset, missing: Sequence[str] = ()) -> Facts:
    """Read what the rules name. Rules that were never loaded name ports too."""
    texts = [_without_log_prefix(ruleset.words(rule)) for rule in ruleset.rules]
    ports = _ports([*texts, *missing])
    return Facts(
        ports[:MOST_PORTS],
        _all_interfaces(texts),
        _places(TARGETS, texts),
        _places(SOURCES, texts),
        [int(port) for text in texts for port in _words(ELSEWHERE, text)],
        max((number for text in texts for number in numbers(text)), default=0),
        lambda port: [name for text in texts if rule_ports.names(text, port) for name in _interfaces(text)],
        ports[MOST_PORTS:],
    )


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
            named += [port for port in (*OFTEN, *range(1, 65536)) if rule_ports.names(text, port)][:1]
    return list(dict.fromkeys(named))


def _without_log_prefix(text: str) -> str:
    """Leave out what iptables has in quotes: words of people. nft has names of interfaces there."""
    return QUOTED.sub('""', text) if text.startswith("-A ") else text


def numbers(text: str) -> list[int]:
    """Return the numbers that a rule limits by, the counts first."""
    rates = [int(number) for number in _words(RATES, text)]
    return [int(number) for number in _words(LIMITS, text)] + [
        rate for rate in rates if rate <= MOST_OF_A_RATE
    ]


def _words(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    for match in pattern.finditer(text):
        found = next(group for group in match.groups() if group)
        yield from (word for word in re.split(r"[{},\s]+", found) if word)


def _interfaces(text: str) -> list[str]:
    """Return the names of interfaces by which a packet may come in; one for a name with a wildcard."""
    words = [word.strip('"') for word in _words(INTERFACES, VALUES.sub("", text))]
    names = [re.sub(r"[+*]$", "0", word) for word in words if not NO_NAME.search(word)]
    return [name for name in names if name not in NOT_OF_A_CLIENT and len(name) <= LONGEST_NAME]


def _all_interfaces(texts: Sequence[str]) -> list[str]:
    """Return the names of interfaces; one that nobody names too, where rules are about all but some."""
    names = list(dict.fromkeys(name for text in texts for name in _interfaces(text)))
    but_some = any(
        name.strip('"') not in NOT_OF_A_CLIENT for text in texts for name in _words(NO_INTERFACE, text)
    )
    return [*names, next(name for name in OTHER_INTERFACES if name not in names)] if but_some else names


def _places(pattern: re.Pattern[str], texts: Sequence[str]) -> list[Named]:
    """Return the nets that rules name: of those that count first, and last those that are only refused."""
    by_net: dict[Net, list[str]] = {}
    for text in texts:
        for word in _words(pattern, text):
            net = _net(word)
            if net is not None and _may_dial(net):
                by_net.setdefault(net, []).append(text)
    return sorted((_named(net, mine) for net, mine in by_net.items()), key=lambda named: named.rank)


def _named(net: Net, texts: Sequence[str]) -> Named:
    via = next((name for text in texts for name in _interfaces(text)), "")
    counted = any(rule_text.limits(text) for text in texts)
    refused = all(rule_verdicts.verdict(text) == "refuse" for text in texts)
    rank = COUNTED if counted else REFUSED if refused else LET_IN
    return Named(
        str(net),
        net.version,
        lambda port: any(rule_ports.names(text, port) is not False for text in texts),
        via,
        rank,
    )


def _net(word: str) -> Net | None:
    """Read an address, a net, or of a range of IPv4 the largest net that is in it."""
    try:
        if "-" in word:
            first, last = map(ipaddress.IPv4Address, word.split("-"))
            return min(ipaddress.summarize_address_range(first, last), key=lambda net: net.prefixlen)
        return ipaddress.ip_network(word, strict=False)
    except (ValueError, TypeError):
        return None


def _may_dial(net: Net) -> bool:
    """Tell whether a host may have an address of a net: none of everything, this host, many hosts, or no use yet."""
    special = net.is_loopback or net.is_link_local or net.is_reserved
    return (
        net.prefixlen > 0
        and not special
        and not any(net.version == other.version and net[0] in other for other in NO_SOURCE)
    )
