"""A policy as a file has it: its tables, and whether any rule of it can refuse at the server's port."""

from __future__ import annotations

import re

from server import rules

BUILT_IN = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")


def sections(text: str) -> dict[str, str]:
    """The text of each table, from `*NAME` to COMMIT, as iptables-restore(8) takes it."""
    return {
        found[1]: found[0]
        for found in re.finditer(r"^\*(\S+).*?^COMMIT\s*?$\n?", text, re.MULTILINE | re.DOTALL)
    }


def parsed(text: str) -> tuple[list[rules.Chain], list[rules.Rule]]:
    """The chains and rules of a file; a chain's policy is a rule if it drops. Handles are 0."""
    chains, found = [], []
    for table, section in sections(text).items():
        for line in map(str.strip, section.splitlines()):
            if chain := re.match(r":(\S+) (\S+)", line):
                chains.append(rules.Chain(table, chain[1], chain[1].lower() if chain[1] in BUILT_IN else ""))
                if chain[2] == "DROP":
                    found.append(rules.Rule(table, chain[1], "0", f"-P {chain[1]} DROP", 0))
            elif rule := re.match(r"-A (\S+) ", line):
                found.append(rules.Rule(table, rule[1], "0", line, 0))
    declared = {chain[:2] for chain in chains}
    used = {
        rules.Chain(rule.table, rule.chain, rule.chain.lower()) for rule in found if rule.chain in BUILT_IN
    }
    return chains + sorted(chain for chain in used if chain[:2] not in declared), found


def refuses(text: str, port: int) -> bool:
    """Whether any rule or chain policy can refuse a SYN to `port`; in doubt it can."""
    return bool(rules.refusing(*parsed(text), port))


def limit(text: str, port: int) -> int | None:
    """Connections that each source may have at `port`, if the file says that much for certain."""
    return rules.limit(*parsed(text), port)
