"""Addresses of the server and nets of sources that rules name, those that count first."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from connlab.trial.rules import rule_ports, rule_text, rule_verdicts
from connlab.trial.rules.interface_names import interfaces, words

COUNTED, LET_IN, REFUSED = 0, 1, 2
TARGETS = re.compile(r"(?<!! )-d (\S+)|\bip6? daddr (?!!=)(\{[^}]*\}|\S+)")
SOURCES = re.compile(
    r"-s (\S+)|--src-range (\S+)|\bip6? saddr (?:!= )?(?!ct |limit |\. |& |@)(\{[^}]*\}|\S+)"
)
Net = ipaddress.IPv4Network | ipaddress.IPv6Network
# Nobody dials from there.
NO_SOURCE = [
    ipaddress.ip_network(net)
    for net in ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3", "::/8", "fe80::/10", "ff00::/8")
]


class Named(NamedTuple):
    """An address or net that a rule names, and the ports and the interface that the same rule is about."""

    net: str
    family: int
    about: Callable[[int], bool]
    via: str
    rank: int = 1  # COUNTED, LET_IN or REFUSED by all rules that name it


def places(pattern: re.Pattern[str], texts: Sequence[str]) -> list[Named]:
    """Return the nets that rules name: of those that count first, and last those that are only refused."""
    by_net: dict[Net, list[str]] = {}
    for text in texts:
        for word in words(pattern, text):
            net = _net(word)
            if net is not None and _may_dial(net):
                by_net.setdefault(net, []).append(text)
    return sorted((_named(net, mine) for net, mine in by_net.items()), key=lambda named: named.rank)


def _named(net: Net, texts: Sequence[str]) -> Named:
    via = next((name for text in texts for name in interfaces(text)), "")
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
