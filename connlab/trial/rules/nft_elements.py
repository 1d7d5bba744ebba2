"""What nft writes in braces: concatenations taken apart, elements without what is counted and said of them."""

from __future__ import annotations

import re

FIELD = (
    r"(?:(?:meta )?(?:[io]if(?:name|type|group)?|l4proto|nfproto|mark|protocol|skuid|skgid)"
    r"|(?:meta|ct|ip6?|tcp|th|udp|sctp|dccp|ether|vlan|icmp|icmpv6|arp) [\w-]+(?: (?:ip6? )?[sd]addr)?)"
    r"(?: & \S+)?"
)
CONCATENATION = re.compile(rf"\b({FIELD}(?: \. {FIELD})+) (!= )?(vmap |map )?\{{([^}}]*)\}}")
OF_AN_ELEMENT = re.compile(
    r" (?:counter packets \d+ bytes \d+|(?:timeout|expires) \w+|comment \"[^\"]*\"|limit rate [^,:}]*|quota [^,:}]*)"
)


def without_notes(elements: str) -> str:
    """Leave out counters, times and comments of elements: their numbers are no ports."""
    return OF_AN_ELEMENT.sub("", elements)


def apart(text: str) -> str:
    """Write each concatenation of a rule as fields of their own: `iifname { "wan0" } tcp dport { 80 }`.

    The last has the verdicts. What excludes only combinations is left out: it excludes none of its parts.
    """
    return CONCATENATION.sub(_fields, text)


def _fields(match: re.Match[str]) -> str:
    if match[2]:
        return ""
    fields = re.split(r" \. ", match[1])
    pairs = [_element(each) for each in _elements(without_notes(match[4]))]
    rows = [(values, verdict) for values, verdict in pairs if len(values) == len(fields)]
    written = []
    for at, field in enumerate(fields):
        last = at == len(fields) - 1
        mine = [values[at] + (verdict if last else "") for values, verdict in rows]
        how = match[3] or "" if last else ""
        written.append(f"{field} {how}{{ {', '.join(dict.fromkeys(mine))} }}")
    return " ".join(written)


def _elements(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _element(text: str) -> tuple[list[str], str]:
    """Return the values of an element, and ` : VERDICT` if it has one; a name may have dots and colons."""
    key, colon, verdict = text.partition(" : ")
    return re.split(r" \. ", key.strip()), f"{colon}{verdict}"
