"""Texts for iptables-restore in pieces that fit into one message to the kernel.

It sends a table in one, and asks for a buffer that is large enough in a way that root of a user namespace is refused
(SO_SNDBUFFORCE, capable(7)): what is left is `net.core.wmem_default`, 208 KiB, some 400 rules.
"""

from __future__ import annotations

MOST_RULES = 150  # of up to a KiB each
NO_RULES = ("*", ":", "#", "COMMIT")


def pieces(text: str) -> list[tuple[str, bool]]:
    """Cut a text; with each piece whether it goes on with a table, which is then not to be flushed.

    Every line keeps its number, because tools name lines: what is not of a piece is a blank line there.
    """
    lines = text.split("\n")
    if sum(map(is_rule, lines)) <= MOST_RULES:
        return [(text, False)]
    found = []
    begin = None
    for number, line in enumerate(lines):
        if line.lstrip().startswith("*"):
            begin = number
        elif line.strip() == "COMMIT" and begin is not None:
            found += _of_a_table(lines, begin, number)
            begin = None
    if begin is not None:
        found += _of_a_table(lines, begin, len(lines) - 1)
    return found or [(text, False)]


def is_rule(line: str) -> bool:
    """Tell whether a line changes rules, not chains."""
    return bool(line.strip()) and not line.lstrip().startswith(NO_RULES)


def _of_a_table(lines: list[str], begin: int, end: int) -> list[tuple[str, bool]]:
    rules = [number for number in range(begin + 1, end + 1) if is_rule(lines[number])]
    kept = {number for number in range(begin, end + 1) if number not in rules}
    found = []
    for first in range(0, max(len(rules), 1), MOST_RULES):
        wanted = {*rules[first : first + MOST_RULES], *({begin, end} if first else kept)}
        text = "\n".join(line if number in wanted else "" for number, line in enumerate(lines[: end + 1]))
        found.append((text + "\n", first > 0))
    return found
