"""Which ports the text of a rule names."""

from __future__ import annotations

import re
from typing import NamedTuple

OTHER_PROTOCOL = re.compile(
    r"(?<!! )-p (?!tcp\b|all\b|6\b|0\b)\S+|\b(?:udp|icmp|icmpv6|sctp|dccp|udplite) (?:dport|sport|type|code)\b"
    r"|\b(?:ip protocol|ip6 nexthdr|meta l4proto|th protocol) (?!\{|!=|tcp\b|6\b)\S+"
)
PORTS = re.compile(
    r"(?P<not>! )?--(?:dports?|ports|destination-ports?) (?P<iptables>\S+)"
    r"|\b(?:tcp|th) dport (?P<other>!= )?(?:v?map )?(?P<than>[<>]=? )?(?P<nft>\{[^}]*\}|\S+)"
)
SERVICES = {"ssh": 22, "http": 80, "https": 443, "smtp": 25, "domain": 53, "imap": 143, "imaps": 993,
            "submission": 587, "mysql": 3306, "postgresql": 5432, "http-alt": 8080}  # fmt: skip
RANGE = re.compile(r"^([^:-]*)([:-]?)(.*)$")


class PortRange(NamedTuple):
    """Ports from the first to the last."""

    first: int
    last: int


def ports(text: str) -> list[PortRange]:
    """Return the ports that a rule names, also those it excludes."""
    return [each for _, ranges in _ports(text) for each in ranges]


def ranges_excluded(text: str) -> list[PortRange]:
    """Return the ranges of more than one port that a rule excludes."""
    return [
        each for excluded, ranges in _ports(text) if excluded for each in ranges if each.first < each.last
    ]


def edges(text: str) -> set[int]:
    """Return the first port, and where ranges that a rule names begin and end: the least that it is about is one."""
    found = {port for each in ports(text) for port in (each.first, each.last + 1)}
    return {port for port in (1, *found) if port < 65536}


def names(text: str, port: int) -> bool | None:
    """Tell whether a rule is about a port; None if it names none."""
    found = _ports(text)
    if not found:
        return None
    return all(
        excluded != any(each.first <= port <= each.last for each in each_) for excluded, each_ in found
    )


def _ports(text: str) -> list[tuple[bool, list[PortRange]]]:
    if OTHER_PROTOCOL.search(text):
        return []
    result = []
    for match in PORTS.finditer(text):
        words = re.split(r"[{},\s]+", re.sub(r" : [^,}]*", "", match["iptables"] or match["nft"]))
        if found := [each for word in words if (each := _range(word, match["than"]))]:
            result.append((bool(match["not"] or match["other"]), found))
    return result


def _range(word: str, than: str | None) -> PortRange | None:
    """Read `http`, `80`, `8000:8010`, `:1023`, or what is more or less `than` a port."""
    low, dash, high = (word, "", "") if word in SERVICES else RANGE.findall(word)[0]
    if not (low or high):
        return None
    first = max(_number(low or "0"), 1 if dash and low in ("", "0") else 0)
    last = _number(high or "65535") if dash else first
    if than and first:
        beside = 0 if "=" in than else 1
        first, last = (first + beside, 65535) if than[0] == ">" else (1, first - beside)
    return PortRange(first, last) if 0 < first <= last < 65536 else None


def _number(word: str) -> int:
    return SERVICES.get(word, int(word) if word.isdigit() else 0)
