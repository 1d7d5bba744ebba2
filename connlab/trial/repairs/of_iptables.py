"""Repairs of a rule as iptables-save prints it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from connlab.trial.repairs.repair import Change, Repair, Where
from connlab.trial.rules import rule_verdicts

SYN = "--tcp-flags FIN,SYN,RST,ACK SYN"
WHOLE = {4: 32, 6: 64}  # bits of one client's: of IPv6 nobody has less than a /64
TCP = re.compile(r"(?<!! )-p tcp\b(?: -m tcp\b)?")
PORTS = re.compile(r" -m multiport (?:--dports|--ports) \S+| --dport \S+")
NAME = re.compile(r"--hashlimit-name \S+")
CONNLIMIT = re.compile(r" -m connlimit(?: --connlimit-(?:above|upto|mask) \d+| --connlimit-[sd]addr)+")
RECENT = re.compile(
    r" -m recent (?=[^!]*?--(?:update|rcheck)\b)(?:--(?:update|rcheck|rttl|reap|rsource|rdest)"
    r"|--(?:seconds|name|mask) \S+|--hitcount (?P<hits>\d+)| )+(?= -)"
)
LIMIT = re.compile(r"-m limit --limit (?P<rate>\S+)(?: --limit-burst (?P<burst>\d+))?")


def only_syn(rule: str, where: Where) -> Repair | None:
    """Judge the first packet of a connection alone."""
    if "--tcp-flags" in rule:
        return None
    changed = _with_tcp(rule, SYN)
    return Repair("`--syn`", [changed]) if changed else None


def whole_address(rule: str, where: Where) -> Repair | None:
    """Count for a whole address, over IPv6 for a /64. A table of hashlimit's has the mask with which it was made."""
    bits = WHOLE[where.family]
    mine = _by_source(rule)
    changed = re.sub(
        r"(?P<option>--(?:connlimit-mask|hashlimit-srcmask)) (?P<bits>\d+)",
        lambda match: f"{match['option']} {max(int(match['bits']), bits)}",
        mine,
    )
    if changed == rule:
        return None
    named = re.search(r"--connlimit-saddr|--hashlimit-mode \S+", mine) if mine != rule else None
    words = f"mask {bits}"
    if named:
        mask = re.search(r" --(?:connlimit-mask|hashlimit-srcmask) \d+", changed)
        words = f"`{named[0]}{mask[0] if mask and changed != mine else ''}`"
    return Repair(words, [re.sub(r"--hashlimit-name \S+", "--hashlimit-name connlab", changed)])


def _by_source(rule: str) -> str:
    """Count by the address of the client: of what comes in that is the source; of answers the destination is one."""
    if re.match(r"-A (?:OUTPUT|POSTROUTING)\b", rule):
        return rule
    mode = re.search(r"--hashlimit-mode (\S+)", rule)
    if mode and "srcip" not in mode[1]:
        others = [word for word in mode[1].split(",") if word != "dstip"]
        return rule.replace(mode[0], f"--hashlimit-mode {','.join(['srcip', *others])}")
    return rule.replace("--connlimit-daddr", "--connlimit-saddr")


def for_each_source(rule: str, where: Where) -> Repair | None:
    """Give each source a rate of its own, where all share one."""
    match = LIMIT.search(rule)
    if match is None or "-m hashlimit" in rule:
        return None
    burst = f" --hashlimit-burst {match['burst']}" if match["burst"] else ""
    new = f"-m hashlimit --hashlimit-upto {match['rate']}{burst} --hashlimit-mode srcip --hashlimit-name connlab"
    words = "`-m hashlimit --hashlimit-mode srcip` in place of `-m limit`"
    return Repair(words, [rule.replace(match[0], new)])


def for_each_port(rule: str, where: Where) -> Repair | None:
    """Make a rule of each port, because each rule has a count of its own, and each name of hashlimit a table.

    Not of one that lets in, or go on, whoever comes to it: all ports that are not here would be shut.
    """
    if rule_verdicts.verdict(rule) in ("accept", "return") and not PORTS.search(rule):
        return None
    bare = PORTS.sub("", rule)
    made = [_with_tcp(NAME.sub(rf"\g<0>{port}", bare), f"--dport {port}") for port in where.ports]
    rules = [each for each in made if each]
    several = len(rules) > 1
    return Repair("a rule for each port", rules) if several and len(rules) == len(made) else None


def ports_first(rule: str, where: Where) -> Repair | None:
    """Ask for the ports before the count: what is counted is what has come so far."""
    match = CONNLIMIT.search(rule)
    if match is None or not PORTS.search(rule, match.end()):
        return None
    rest = rule.replace(match[0], "")
    changed = re.sub(r" (?=-[jg] )", lambda _: f"{match[0]} ", rest, count=1)
    return Repair("the ports before `-m connlimit`", [changed]) if changed != rest else None


def upright(rule: str, where: Where) -> Repair | None:
    """Refuse who has more, where who has less is refused."""
    match = re.search(r"--connlimit-upto (\d+)", rule)
    if match is None or not re.search(r" -j (?:DROP|REJECT)\b", rule):
        return None
    new = f"--connlimit-above {match[1]}"
    return Repair(f"`{new}`", [rule.replace(match[0], new)])


def count(rule: str, where: Where) -> Repair | None:
    """Count the connections that are open, where who came lately is counted: up to the hits, as was meant.

    Where a rule before it puts the dial itself on the list, one less gets in, which is said.
    """
    match = RECENT.search(rule)
    if match is None or not match["hits"]:
        return None
    new = f"-m connlimit --connlimit-above {match['hits']}"
    less = f", which lets in {where.limit}" if where.limit == int(match["hits"]) - 1 else ""
    words = f"`{new}` in place of `-m recent`{less}"
    return Repair(words, [rule.replace(match[0], f" {new}")])


def told(rule: str, where: Where) -> Repair | None:
    """Answer with a reset, which the kernel does not ration."""
    changed = re.sub(r"-j REJECT(?: --reject-with \S+)?", "-j REJECT --reject-with tcp-reset", rule)
    return Repair("`--reject-with tcp-reset`", [changed]) if changed != rule and TCP.search(rule) else None


def refusing(rule: str, where: Where) -> Repair | None:
    """Refuse whom a rule only logs."""
    changed = re.sub(r" -j LOG\b.*", " -j REJECT --reject-with tcp-reset", rule)
    return (
        Repair("`-j REJECT` behind the LOG", [rule, changed])
        if changed != rule and TCP.search(rule)
        else None
    )


def _with_tcp(rule: str, option: str) -> str | None:
    """Add an option of the match tcp; None for a rule of another protocol."""
    if TCP.search(rule):
        return TCP.sub(f"-p tcp -m tcp {option}", rule, count=1)
    if re.search(r"-p \S", rule):
        return None
    return re.sub(r"^(-A \S+)", rf"\1 -p tcp -m tcp {option}", rule)


ESTABLISHED = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
# In the order in which they are applied and named.
CHANGES: Mapping[Change, frozenset[str]] = {
    only_syn: frozenset({"live-reset", "live-frozen"}),
    whole_address: frozenset({"shared-by-net", "shared-by-all", "mask-means-another-thing"}),
    for_each_source: frozenset({"shared-by-all"}),
    ports_first: frozenset({"counts-elsewhere"}),
    for_each_port: frozenset({"ports-share"}),
    upright: frozenset({"upside-down"}),
    count: frozenset({"rate-not-count", "bans"}),
    told: frozenset({"refusal-rationed"}),
    refusing: frozenset({"log-only"}),
}
