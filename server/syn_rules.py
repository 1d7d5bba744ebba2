"""Which rules a SYN to the server's port meets, and what they allow: who refuses it, how many each source may have.

Pure: rules in, values out. In doubt a rule can match, and a limit is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from server.rules import Chain, Rule, target, words

# Targets that end the way of a packet (iptables-extensions(8); the last four are of xtables-addons).
REFUSING = {"REJECT", "DROP", "TARPIT", "DELUDE", "CHAOS", "STEAL"}
INPUT = ("prerouting", "input")  # the hooks that a SYN to this host passes


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


def _hook(chains: Iterable[Chain], rule: Rule) -> str:
    return next((chain.hook for chain in chains if (chain.table, chain.name) == (rule.table, rule.chain)), "")


def _within(port: int, ports: str) -> bool:
    low, colon, high = ports.partition(":")
    if not (low or "0").isdigit() or not (high or "0").isdigit():
        return True  # a service's name
    return int(low or 0) <= port <= (int(high or 65535) if colon else int(low))
