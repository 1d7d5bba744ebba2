"""What the text of a rule says of counting: what it counts, over which family, whether it only logs, its period.

The text is a line of iptables-save (`-A INPUT ...`) or a rule as nft lists it.
"""

from __future__ import annotations

import re

from connlab.trial.rules.rule_ports import OTHER_PROTOCOL
from connlab.trial.rules.rule_verdicts import verdict
from connlab.trial.rules.ruleset import QUOTED

# What counts, in the order in which a rule has its matches: all before it must match for it to be asked.
CONNECTIONS = re.compile(r"-m connlimit\b|\bct count\b")
COUNTING = re.compile(
    r"-m (?:connlimit|hashlimit|limit|recent|quota|statistic)\b"
    r"|\b(?:add|update) @\S+ \{|\bmeter \S+ |\bct count\b|\blimit (?:rate|name)\b|\bquota\b|\bnumgen\b"
)
LIMITING = re.compile(
    r"-m (?:connlimit|hashlimit|limit)\b|--hitcount\b|-m recent\b.*--(?:update|rcheck)\b|\bct count\b"
    r"|\blimit (?:rate|name)\b"
)
REFILLING = re.compile(r"-m (?:hashlimit|limit)\b|\blimit (?:rate|name)\b")
UP_TO = re.compile(r"--connlimit-upto\b|! --connlimit-above\b|\bct count (?!over )")
PER_SOURCE = re.compile(r"-m (?:connlimit|hashlimit|recent)\b|\bct count\b|@\S+ \{|\bmeter \S+ ")
LOGS = re.compile(r"-j (?:LOG|NFLOG|ULOG|AUDIT)\b|\b(?:log|audit)\b")
KERNEL_LOG = re.compile(r"-j LOG\b|\blog\b(?!.*\bgroup \d)")
IPV4 = re.compile(r"\bip (?!ip6)\w|\bnfproto ipv4|\bicmp (?:type|code)")
IPV6 = re.compile(r"\bip6 \w|\bnfproto ipv6|\bicmpv6 (?:type|code)")
PERIOD = re.compile(
    r"--seconds \d+|--(?:limit|hashlimit(?:-above|-upto)?) \d+/\w+|limit rate (?:over )?\d+/\w+|timeout \w+"
)
# Matches of iptables that find of a later packet of a connection what they found of its first, whenever that comes.
STEADY_MATCHES = {
    "addrtype", "comment", "connlimit", "connmark", "conntrack", "dst", "hbh", "icmp", "icmp6", "ipv6header", "iprange",
    "mac", "mark", "multiport", "owner", "physdev", "pkttype", "rpfilter", "rt", "socket", "state", "tcp", "tos", "udp",
}  # fmt: skip
# What in nft goes by time, by how much came before, or by what other packets noted.
RATIONING = re.compile(
    r"\b(?:limit (?:rate|name)|meta (?:day|hour|time)|numgen|quota|timeout|queue|xt)\b"
    r"|\bct (?:original |reply )?(?:avgpkt|bytes|expiration|packets)\b"
    r"|(?:\b(?:add|update|delete) @\S+|\bmeter \S+(?: size \d+)?) \{(?![^{}]* ct count )"
)


def limits(text: str) -> bool:
    """Tell whether a rule counts connections, packets or time."""
    return LIMITING.search(text) is not None and not OTHER_PROTOCOL.search(text)


def families(text: str) -> set[int]:
    """Return the families whose packets a rule of nft can match: one, if it looks at a field of its header."""
    plain = QUOTED.sub('""', text)
    if text.startswith("-A ") or bool(IPV4.search(plain)) == bool(IPV6.search(plain)):
        return {4, 6}
    return {4} if IPV4.search(plain) else {6}


def counts_connections(text: str) -> bool:
    """Tell whether a rule counts connections that are open."""
    return CONNECTIONS.search(text) is not None


def lets_up_to(text: str) -> bool:
    """Tell whether a rule that counts connections matches up to its number, and not above it."""
    return UP_TO.search(text) is not None


def refills(text: str) -> bool:
    """Tell whether time alone gives back what a rule counts: how many get in depends on how fast they dial."""
    return REFILLING.search(text) is not None


def may_ration(text: str) -> bool:
    """Tell whether a rule may find otherwise of a connection's later packets than of its first, by time or number."""
    plain = QUOTED.sub('""', text)
    if plain.startswith("-A "):
        return not STEADY_MATCHES.issuperset(re.findall(r" -m (\S+)", plain))
    return RATIONING.search(plain) is not None


def only_logs(text: str) -> bool:
    """Tell whether a rule does no more than write a log."""
    return verdict(text) == "" and LOGS.search(QUOTED.sub('""', text)) is not None


def counts_each_source(text: str) -> bool:
    """Tell whether a rule may count for each source by itself."""
    return PER_SOURCE.search(text) is not None


def writes_kernel_log(text: str) -> bool:
    """Tell whether a rule writes to the kernel's log, and not to a reader of NFLOG."""
    return KERNEL_LOG.search(QUOTED.sub('""', text)) is not None


def before_count(text: str) -> str:
    """Return the matches that are asked before a rule counts, without the rule's chain."""
    match = COUNTING.search(text)
    head = text[: match.start()] if match else text
    return re.sub(r"^-A \S+", "", head).strip()


def period(text: str) -> str:
    """Return a rule's own period, in its own words; empty if it has none."""
    return ", ".join(re.sub(r"^--", "", match) for match in PERIOD.findall(text))
