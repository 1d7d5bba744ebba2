"""What the text of a rule says: what it counts, which ports it names, what it does with what it matches.

The text is a line of iptables-save (`-A INPUT ...`) or a rule as nft lists it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from connlab.trial.ruleset import QUOTED

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
PER_SOURCE = re.compile(r"-m (?:connlimit|hashlimit|recent)\b|\bct count\b|@\S+ \{|\bmeter \S+ ")
LOGS = re.compile(r"-j (?:LOG|NFLOG|ULOG|AUDIT)\b|\b(?:log|audit)\b")
KERNEL_LOG = re.compile(r"-j LOG\b|\blog\b(?!.*\bgroup \d)")
OTHER_PROTOCOL = re.compile(
    r"(?<!! )-p (?!tcp\b|all\b|6\b|0\b)\S+|\b(?:udp|icmp|icmpv6|sctp|dccp|udplite) (?:dport|sport|type|code)\b"
    r"|\b(?:ip protocol|ip6 nexthdr|meta l4proto|th protocol) (?!\{|!=|tcp\b|6\b)\S+"
)
IPV4 = re.compile(r"\bip (?!ip6)\w|\bnfproto ipv4|\bicmp (?:type|code)")
IPV6 = re.compile(r"\bip6 \w|\bnfproto ipv6|\bicmpv6 (?:type|code)")
PORTS = re.compile(
    r"(?P<not>! )?--(?:dports?|ports|destination-ports?) (?P<iptables>\S+)"
    r"|\b(?:tcp|th) dport (?P<other>!= )?(?:v?map )?(?P<than>[<>]=? )?(?P<nft>\{[^}]*\}|\S+)"
)
SERVICES = {"ssh": 22, "http": 80, "https": 443, "smtp": 25, "domain": 53, "imap": 143, "imaps": 993,
            "submission": 587, "mysql": 3306, "postgresql": 5432, "http-alt": 8080}  # fmt: skip
RANGE = re.compile(r"^([^:-]*)([:-]?)(.*)$")
TARGET = re.compile(r" (?:-j|--jump|-g|--goto) (\S+)")
PASSING = {"LOG", "NFLOG", "ULOG", "AUDIT", "MARK", "CONNMARK", "TOS", "DSCP", "TCPMSS", "SET", "TRACE", "CT",
           "NOTRACK", "CLASSIFY", "TTL", "HL", "ECN", "SECMARK", "CONNSECMARK", "RATEEST", "CHECKSUM", "TEE",
           "IDLETIMER"}  # fmt: skip
VERDICTS = {"ACCEPT": "accept", "DNAT": "accept", "REDIRECT": "accept", "QUEUE": "accept", "NFQUEUE": "accept",
            "DROP": "refuse", "REJECT": "refuse", "TARPIT": "refuse", "RETURN": "return"}  # fmt: skip
NFT_VERDICT = re.compile(r"\b(accept|drop|reject|return|queue|(?:jump|goto) \S+)\b")
DIVERTING = {
    "RETURN",
    "MARK",
    "CONNMARK",
    "TOS",
    "DSCP",
    "CT",
    "NOTRACK",
    "TTL",
    "HL",
    "SECMARK",
    "CONNSECMARK",
}
DIVERTS = re.compile(r"\bgoto\b|\bnotrack\b|\b(?:mark|dscp|priority|ttl|hoplimit|zone|helper) set\b")
RESET = re.compile(r"--reject-with tcp-reset|\breject with tcp reset|-j TARPIT\b")
VERDICT_MAP = re.compile(r"\bvmap \{([^}]*)\}")
PERIOD = re.compile(
    r"--seconds \d+|--(?:limit|hashlimit(?:-above|-upto)?) \d+/\w+|limit rate (?:over )?\d+/\w+|timeout \w+"
)


class PortRange(NamedTuple):
    """Ports from the first to the last."""

    first: int
    last: int


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


def refills(text: str) -> bool:
    """Tell whether time alone gives back what a rule counts: how many get in depends on how fast they dial."""
    return REFILLING.search(text) is not None


def only_logs(text: str) -> bool:
    """Tell whether a rule does no more than write a log."""
    return verdict(text) == "" and LOGS.search(QUOTED.sub('""', text)) is not None


def rations_its_log(text: str) -> bool:
    """Tell whether a rule counts only so that it does not log too often: nothing of a source's."""
    return only_logs(text) and PER_SOURCE.search(text) is None


def writes_kernel_log(text: str) -> bool:
    """Tell whether a rule writes to the kernel's log, and not to a reader of NFLOG."""
    return KERNEL_LOG.search(QUOTED.sub('""', text)) is not None


def before_count(text: str) -> str:
    """Return the matches that are asked before a rule counts, without the rule's chain."""
    match = COUNTING.search(text)
    head = text[: match.start()] if match else text
    return re.sub(r"^-A \S+", "", head).strip()


def verdict(text: str) -> str:
    """Return what a rule decides: accept, refuse, return, `jump NAME`; nothing for one that lets packets go on."""
    plain = QUOTED.sub('""', text)
    if text.startswith("-A "):
        match = TARGET.search(plain)
        target = str(match[1]) if match else ""
        return "" if target in PASSING else VERDICTS.get(target, f"jump {target}" if target else "")
    found = NFT_VERDICT.findall(re.sub(r"\{[^}]*\}", "{}", plain))
    word = str(found[-1]).replace("goto ", "jump ") if found else ""
    return VERDICTS.get(word.upper(), word)


def resets(text: str) -> bool:
    """Tell whether a rule refuses with a reset."""
    return RESET.search(QUOTED.sub('""', text)) is not None


def diverts(text: str) -> bool:
    """Tell whether packets that match go elsewhere, or on as others: they are marked, or not tracked."""
    plain = QUOTED.sub('""', text)
    if not text.startswith("-A "):
        return verdict(text) == "return" or DIVERTS.search(plain) is not None
    target = TARGET.search(plain)
    return target is not None and (target[0].strip().startswith(("-g", "--goto")) or target[1] in DIVERTING)


def jumps(text: str) -> list[str]:
    """Return the chains that a rule may send a packet to; a map of verdicts has several."""
    plain = QUOTED.sub('""', text)
    if text.startswith("-A "):
        return [name for name in TARGET.findall(plain) if name not in PASSING | {*VERDICTS}]
    return re.findall(r"\b(?:jump|goto) ([^\s,}]+)", plain)


def leading_to(text: str, chain: str) -> str:
    """Return a rule with those elements alone of its map of verdicts that lead to a chain."""
    leads = re.compile(rf": (?:jump|goto) {re.escape(chain)}\s*$")

    def elements(match: re.Match[str]) -> str:
        return f"vmap {{ {', '.join(each.strip() for each in match[1].split(',') if leads.search(each))} }}"

    return VERDICT_MAP.sub(elements, text)


def ports(text: str) -> list[PortRange]:
    """Return the ports that a rule names, also those it excludes."""
    return [each for _, ranges in _ports(text) for each in ranges]


def ranges_excluded(text: str) -> list[PortRange]:
    """Return the ranges of more than one port that a rule excludes."""
    return [
        each for excluded, ranges in _ports(text) if excluded for each in ranges if each.first < each.last
    ]


def names(text: str, port: int) -> bool | None:
    """Tell whether a rule is about a port; None if it names none."""
    found = _ports(text)
    if not found:
        return None
    return all(
        excluded != any(each.first <= port <= each.last for each in each_) for excluded, each_ in found
    )


def period(text: str) -> str:
    """Return a rule's own period, in its own words; empty if it has none."""
    return ", ".join(re.sub(r"^--", "", match) for match in PERIOD.findall(text))


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
