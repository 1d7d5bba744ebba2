"""What a rule says: its chain, its target, and whether it can refuse a SYN to the server's port.

Pure: text in, values out. Two languages: `-A INPUT ...` as iptables-save(8) prints it, and nft(8)'s own.
"""

from __future__ import annotations

import re
import shlex
from collections import namedtuple
from collections.abc import Iterable, Sequence

# Targets that end the way of a packet (iptables-extensions(8); the last four are of xtables-addons).
REFUSING = {"REJECT", "DROP", "TARPIT", "DELUDE", "CHAOS", "STEAL"}
# Options whose value is free text, so it may look like an option itself.
FREE_TEXT = {"--comment", "--string", "--hex-string", "--log-prefix", "--nflog-prefix", "--name", "--hashlimit-name",
             "--bytecode", "--path"}  # fmt: skip
NO_LIMITS = (
    "tcp",
    "comment",
    "conntrack",
    "state",
    "multiport",
)  # matches that say which packets, not how many
INPUT = ("prerouting", "input")  # the hooks that a SYN to this host passes


class Chain(namedtuple("Chain", "table name hook")):
    """A chain of a table; `hook` is empty for one that is only jumped to."""


class Rule(namedtuple("Rule", "table chain handle text packets")):
    """One rule: `text` as iptables-save has it where it can, else as nft does, without counters.

    `handle` is the table's and the rule's own, `2/4`: whoever loads a table again makes a new one, where the rules'
    handles begin anew. A chain's own policy is a rule too if it drops: `-P INPUT DROP`, of handle 0, as in a file.
    """


def words(text: str) -> list[str]:
    """Return the words of a rule in iptables' language, quoting undone; the value of a free-text option is left out."""
    try:
        parts = iter(shlex.split(text))
    except ValueError:  # a quote that never ends; iptables-restore will say so
        return []
    kept = []
    for word in parts:
        kept.append(word)
        if word in FREE_TEXT:
            next(parts, "")
    return kept


def target(text: str) -> str:
    """Return where a rule sends a packet: `REJECT`, `DROP`, `LOG`, the name of a chain, or nothing.

    A comment with the words ` -j REJECT ` is no target; `-g` is one, and so are nft's verdicts.
    """
    if text.startswith("-P "):
        return text.split()[2]
    if text.startswith("-A "):
        options = words(text)
        return next((options[i + 1] for i, word in enumerate(options[:-1]) if word in ("-j", "-g")), "")
    bare = re.sub(r'"[^"]*"', '""', text)
    if refused := re.search(r"\b(drop|reject)\b", bare):
        return refused[1].upper()
    jump = re.search(r"\b(?:jump|goto) (\S+)", bare)
    return jump[1] if jump else ""


def refusing(chains: Iterable[Chain], rules: Sequence[Rule], port: int | None = None) -> list[Rule]:
    """Return the rules that refuse on the way of a SYN to this host, jumps followed, in every table.

    With a port: without the rules that certainly do not match a SYN to it from another host.
    """
    able = [rule for rule in rules if port is None or can_match(rule.text, port)]
    reached = {(chain.table, chain.name) for chain in chains if chain.hook in INPUT}
    while (
        more := {(rule.table, target(rule.text)) for rule in able if (rule.table, rule.chain) in reached}
        & {(rule.table, rule.chain) for rule in rules} - reached
    ):
        reached |= more
    return [rule for rule in able if (rule.table, rule.chain) in reached and target(rule.text) in REFUSING]


def can_match(text: str, port: int) -> bool:
    """Return false if a rule certainly does not match a SYN to TCP `port` from another host; in doubt true."""
    if text.startswith("-P "):
        return True
    if not text.startswith("-A "):
        return not re.search(r'\biif(?:name)? "?lo\b|\bip protocol (?!tcp\b)\w+|\b(?:udp|icmp|sctp) ', text)
    options = words(text)
    for i, option in enumerate(options):
        matches = _matches(option, options[i + 1 : i + 3], port)
        if matches is not None and matches == (options[i - 1] == "!"):
            return False
    return True


def _matches(option: str, values: Sequence[str], port: int) -> bool | None:
    """Return whether one option matches such a SYN; None if it depends, or if it is no match."""
    value = values[0] if values else ""
    if option == "-p":
        return value in ("tcp", "6", "all", "0")
    if option == "-i":
        return False if value == "lo" else None
    if option in ("--dport", "--dports", "--ports"):
        return any(_within(port, ports) for ports in value.split(","))
    if option in ("--ctstate", "--state"):
        return bool({"NEW", "UNTRACKED"} & set(value.split(",")))
    if option == "--tcp-flags" and len(values) == 2:
        mask, flags = (set(value.split(",")) for value in values)
        return flags - {"NONE"} == mask & {"SYN"}
    return None


def limit(chains: Iterable[Chain], rules: Sequence[Rule], port: int) -> int | None:
    """Return how many connections each source address may have, if that is certain; else None.

    It is certain if one plain connlimit rule and nothing else can judge a SYN to the port.
    """
    chains = list(chains)
    judging = [rule for rule in rules if can_match(rule.text, port) and target(rule.text)]
    on_the_way = [rule for rule in judging if _hook(chains, rule) in (*INPUT, "")]
    if len(on_the_way) != 1:
        return None
    plain = (
        rf"-A \S+ -p tcp -m tcp --dport {port} --tcp-flags FIN,SYN,RST,ACK SYN -m connlimit "
        r"--connlimit-above (\d+) --connlimit-mask 32 --connlimit-saddr -j (?:REJECT --reject-with \S+|DROP)"
    )
    match = re.fullmatch(plain, on_the_way[0].text)
    return int(match[1]) if match and _hook(chains, on_the_way[0]) in INPUT else None


def in_words(text: str) -> str:
    """Return what limits, in the rule's own words: `connlimit above 15, mask 24, source: REJECT`."""
    options = words(text)
    phrases: list[str] = []
    for name in (
        options[i + 1]
        for i, word in enumerate(options[:-1])
        if word == "-m" and options[i + 1] not in NO_LIMITS
    ):
        own = [
            f"{word.removeprefix(f'--{name}-')} {_value(options, i)}".strip()
            for i, word in enumerate(options)
            if word.startswith(f"--{name}-") or (name in ("recent", "limit") and word in _OWN[name])
        ]
        phrases += [f"{name} {', '.join(own)}"] if own else []
    what = "; ".join(phrases).replace("saddr", "source").replace("daddr", "destination")
    return f"{what}: {target(text)}" if what else text


_OWN = {
    "recent": ("--set", "--rcheck", "--update", "--seconds", "--hitcount", "--rttl", "--rsource", "--rdest"),
    "limit": ("--limit",),
}


def _hook(chains: Iterable[Chain], rule: Rule) -> str:
    return next((chain.hook for chain in chains if (chain.table, chain.name) == (rule.table, rule.chain)), "")


def _value(options: Sequence[str], at: int) -> str:
    """Return the word behind an option, if it has one."""
    following = options[at + 1 : at + 2]
    return following[0] if following and not following[0].startswith(("-", "!")) else ""


def _within(port: int, ports: str) -> bool:
    low, colon, high = ports.partition(":")
    if not (low or "0").isdigit() or not (high or "0").isdigit():
        return True  # a service's name
    return int(low or 0) <= port <= (int(high or 65535) if colon else int(low))
