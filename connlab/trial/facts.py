"""What rules name: ports, interfaces, addresses of the server, nets of sources, and the numbers that limit."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from connlab.trial.ruleset import Rule, Ruleset

MOST_PORTS = 16
# How iptables-save and nft write what a packet must have; numbers, `a:b` or `a-b` for ranges, lists with commas.
PORTS = re.compile(r"(?<!! )--dports? (\S+)|\b(?:tcp|th|udp) dport (?:!= )?(\{[^}]*\}|\S+)")
INTERFACES = re.compile(r"(?:-i|--in-interface) (\S+)|\biif(?:name)? (?:!= )?(\{[^}]*\}|\S+)")
TARGETS = re.compile(r"(?<!! )-d (\S+)|\bip6? daddr (?!!=)(\{[^}]*\}|\S+)")
SOURCES = re.compile(r"(?<!! )-s (\S+)|\bip6? saddr (?!!=)(?!ct |limit |\. |& )(\{[^}]*\}|\S+)")
LIMITS = re.compile(
    r"--connlimit-(?:above|upto) (\d+)|\bct count (?:over )?(\d+)|--hitcount (\d+)|--limit-burst (\d+)"
    r"|--hashlimit-burst (\d+)|--limit (\d+)/|--hashlimit-(?:above|upto) (\d+)/|limit rate (?:over )?(\d+)/"
    r"|burst (\d+) packets"
)
LIMITING = re.compile(r"connlimit|ct count|hitcount|-m limit|hashlimit|limit rate|-m recent|\bmeter\b")
SERVICES = {"ssh": 22, "http": 80, "https": 443, "smtp": 25, "domain": 53, "imap": 143, "imaps": 993}


class Facts(NamedTuple):
    """What the rules of a host name, each in the order in which it first comes."""

    ports: list[int]
    interfaces: list[str]
    targets: list[str]
    sources: list[str]
    largest: int  # number that limits, 0 if there is none


def facts(ruleset: Ruleset, missing: Sequence[str] = ()) -> Facts:
    """Read what the rules name; of a range of ports, its first. Rules that were never loaded name ports too."""
    texts = [rule.text for rule in ruleset.rules]
    ports = list(
        dict.fromkeys(
            port
            for text in [*texts, *missing]
            if _may_be_tcp(text)
            for word in _words(PORTS, text)
            if (port := _port(word))
        )
    )
    interfaces = [
        name.strip('"').replace("+", "0").replace("*", "0")
        for text in texts
        for name in _words(INTERFACES, text)
    ]
    numbers = [
        int(number)
        for text in texts
        for match in LIMITS.finditer(text)
        for number in match.groups()
        if number
    ]
    return Facts(
        ports[:MOST_PORTS],
        list(dict.fromkeys(name for name in interfaces if name != "lo")),
        list(dict.fromkeys(str(net.network_address) for net in _nets(TARGETS, texts) if net.num_addresses == 1)),
        list(dict.fromkeys(str(net) for net in _nets(SOURCES, texts) if _may_dial(net))),
        max(numbers, default=0),
    )  # fmt: skip


def limits(rule: Rule) -> bool:
    """Tell whether a rule counts connections, packets or time."""
    return LIMITING.search(rule.text) is not None


def limit_of(rule: Rule) -> int | None:
    """Return the first number that a rule limits by."""
    match = LIMITS.search(rule.text)
    return int(next(number for number in match.groups() if number)) if match else None


def _may_be_tcp(text: str) -> bool:
    return not re.search(r"-p udp|-p icmp|\budp dport|-p sctp", text)


def _words(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    for match in pattern.finditer(text):
        found = next(group for group in match.groups() if group)
        yield from (word for word in re.split(r"[{},\s]+", found) if word)


def _may_dial(net: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    return net.prefixlen > 0 and not net.is_loopback and not net.is_multicast


def _port(word: str) -> int | None:
    first = re.split(r"[:-]", word)[0]
    number = SERVICES.get(first, int(first) if first.isdigit() else 0)
    return number if 0 < number < 65536 else None


def _nets(
    pattern: re.Pattern[str], texts: Iterable[str]
) -> Iterator[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    for text in texts:
        for word in _words(pattern, text):
            try:
                yield ipaddress.ip_network(word, strict=False)
            except ValueError:
                continue
