"""Repairs of a rule as nft lists it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from connlab.trial.repairs.repair import Change, Repair, Where
from connlab.trial.rules import rule_verdicts

SYN = "tcp flags & (fin | syn | rst | ack) == syn"
SET = "connlab_sources"
NET6 = "ffff:ffff:ffff:ffff::"
KEYS = {4: ("ipv4_addr", "ip saddr"), 6: ("ipv6_addr", f"ip6 saddr & {NET6}")}
BARE = re.compile(r"ct count (?:over )?\d+|limit rate (?:over )?\S+(?: burst \d+ \w+)?")
MASKED = re.compile(r"(?P<key>ip6? saddr) & (?P<mask>[0-9a-f.:]+)")
WHOLE = {4: 32, 6: 64}


def only_syn(rule: str, where: Where) -> Repair | None:
    """Judge the first packet of a connection alone."""
    return None if re.search(r"== syn\b|tcp flags syn\b", rule) else Repair(f"`{SYN}`", [f"{SYN} {rule}"])


def whole_address(rule: str, where: Where) -> Repair | None:
    """Count for a whole address, over IPv6 for a /64."""

    def longer(match: re.Match[str]) -> str:
        if match["key"] == "ip saddr":
            return match["key"]
        wide = int(ipaddress.IPv6Address(match["mask"])) < int(ipaddress.IPv6Address(NET6))
        return f"{match['key']} & {NET6}" if wide else match[0]

    mine = re.sub(r"(\{ ip6?) daddr\b(?= (?:& \S+ )?(?:timeout \S+ )?(?:ct count|limit))", r"\1 saddr", rule)
    changed = MASKED.sub(longer, mine)
    words = ["`saddr`"] if mine != rule else []
    words += [f"mask {WHOLE[where.family]}"] if changed != mine else []
    return Repair(" and ".join(words), [changed]) if words else None


def for_each_source(rule: str, where: Where) -> Repair | None:
    """Give each source a count or a rate of its own, in the elements of a dynamic set."""
    match = BARE.search(re.sub(r"\{[^}]*\}", lambda braces: " " * len(braces[0]), rule))
    if match is None:
        return None
    kind, key = KEYS[where.family]
    element = f"add @{SET} {{ {key} {match[0]} }}"
    made = f"add set {where.table} {SET} {{ type {kind}; size 65535; flags dynamic; }}"
    return Repair(
        f"`{element.replace(SET, 'sources')}`",
        [f"{rule[: match.start()]}{element}{rule[match.end() :]}"],
        [made],
    )


def for_each_port(rule: str, where: Where) -> Repair | None:
    """Make a rule of each port, because each rule has a count of its own; not where they would share a set.

    Nor of one that lets in, or go on, whoever comes to it: all ports that are not here would be shut.
    """
    shuts = rule_verdicts.verdict(rule) in ("accept", "return") and "dport" not in rule
    if "@" in rule or len(where.ports) < 2 or shuts:
        return None
    bare = re.sub(r"tcp dport (?:\{[^}]*\}|\S+) ", "", rule)
    return Repair("a rule for each port", [f"tcp dport {port} {bare}" for port in where.ports])


def upright(rule: str, where: Where) -> Repair | None:
    """Refuse who has more, where who has less is refused."""
    match = re.search(r"ct count (\d+)", rule)
    if match is None or not re.search(r"\b(?:drop|reject)\b", rule):
        return None
    return Repair(f"`ct count over {match[1]}`", [rule.replace(match[0], f"ct count over {match[1]}")])


def told(rule: str, where: Where) -> Repair | None:
    """Answer with a reset, which the kernel does not ration."""
    changed = re.sub(r"\breject\b(?: with (?!tcp).*)?$", "reject with tcp reset", rule)
    return Repair("`reject with tcp reset`", [changed]) if changed != rule else None


def refusing_above(rule: str, where: Where) -> Repair | None:
    """Refuse what is above a rate, where what is below it is let in."""
    match = re.search(r"limit rate (?!over )(.*)\baccept\b", rule)
    if match is None:
        return None
    new = f"limit rate over {match[1]}drop"
    return Repair(f"`{new}`", [rule.replace(match[0], new)])


ESTABLISHED = "ct state established,related accept"
# In the order in which they are applied and named.
CHANGES: Mapping[Change, frozenset[str]] = {
    refusing_above: frozenset({"shut-port-opened"}),
    only_syn: frozenset({"live-reset", "live-frozen"}),
    whole_address: frozenset({"shared-by-net", "shared-by-all", "mask-means-another-thing"}),
    for_each_source: frozenset({"shared-by-all"}),
    for_each_port: frozenset({"ports-share"}),
    upright: frozenset({"upside-down"}),
    told: frozenset({"refusal-rationed"}),
}
