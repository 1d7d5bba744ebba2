"""A policy as a file has it: its tables, and whether any rule of it can refuse at the server's port."""

from __future__ import annotations

import re

from server import rules, syn_rules

BUILT_IN = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")


def sections(text: str) -> dict[str, str]:
    """Return the text of each table, from `*NAME` to COMMIT, as iptables-restore(8) takes it."""
    return {
        match[1]: match[0]
        for match in re.finditer(r"^\*(\S+).*?^COMMIT\s*?$\n?", text, re.MULTILINE | re.DOTALL)
    }


def parsed(text: str) -> tuple[list[rules.Chain], list[rules.Rule]]:
    """Return the chains and rules of a file; a chain's policy is a rule if it drops. Handles are 0."""
    chains: list[rules.Chain] = []
    listed: list[rules.Rule] = []
    for table, section in sections(text).items():
        for line in map(str.strip, section.splitlines()):
            if chain := re.match(r":(\S+) (\S+)", line):
                chains.append(rules.Chain(table, chain[1], chain[1].lower() if chain[1] in BUILT_IN else ""))
                if chain[2] == "DROP":
                    listed.append(rules.Rule(table, chain[1], "0", f"-P {chain[1]} DROP", 0))
            elif rule := re.match(r"-A (\S+) ", line):
                listed.append(rules.Rule(table, rule[1], "0", line, 0))
    declared = {chain[:2] for chain in chains}
    used = {
        rules.Chain(rule.table, rule.chain, rule.chain.lower()) for rule in listed if rule.chain in BUILT_IN
    }
    return chains + sorted(chain for chain in used if chain[:2] not in declared), listed


def refuses(text: str, port: int) -> bool:
    """Return whether any rule or chain policy can refuse a SYN to `port`; in doubt it can."""
    return bool(syn_rules.refusing(*parsed(text), port))


def limit(text: str, port: int) -> int | None:
    """Return how many connections each source may have at `port`, if the file says that much for certain."""
    return syn_rules.limit(*parsed(text), port)
