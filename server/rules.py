"""What a rule says: its chain, its target, what it counts and limits.

Pure: text in, values out. Two languages: `-A INPUT ...` as iptables-save(8) prints it, and nft(8)'s own.
"""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Sequence

from connlab.machine.named_tuple import NamedTuple

# Options whose value is free text, so it may look like an option itself.
FREE_TEXT = {"--comment", "--string", "--hex-string", "--log-prefix", "--nflog-prefix", "--name", "--hashlimit-name",
             "--bytecode", "--path"}  # fmt: skip
# Matches that say which packets, not how many.
NO_LIMITS = ("tcp", "comment", "conntrack", "state", "multiport")
# Options of matches whose options do not begin with their name.
OWN_OPTIONS = {
    "recent": ("--set", "--rcheck", "--update", "--seconds", "--hitcount", "--rttl", "--rsource", "--rdest"),
    "limit": ("--limit",),
}


class Chain(NamedTuple):
    """A chain of a table; `hook` is empty for one that is only jumped to."""

    table: str
    name: str
    hook: str


class Rule(NamedTuple):
    """One rule: `text` as iptables-save has it where it can, else as nft does, without counters.

    `handle` is the table's and the rule's own, `2/4`: whoever loads a table again makes a new one, where the rules'
    handles begin anew. A chain's own policy is a rule too if it drops: `-P INPUT DROP`, of handle 0, as in a file.
    """

    table: str
    chain: str
    handle: str
    text: str
    packets: int


@functools.cache
def words(text: str) -> tuple[str, ...]:
    """Return the words of a rule in iptables' language, quoting undone; the value of a free-text option is left out."""
    try:
        parts = iter(shlex.split(text))
    except ValueError:  # a quote that never ends; iptables-restore will say so
        return ()
    kept = []
    for word in parts:
        kept.append(word)
        if word in FREE_TEXT:
            next(parts, "")
    return tuple(kept)


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


def counts(rule: Rule) -> bool:
    """Return whether a rule counts connections."""
    return "connlimit" in words(rule.text) if rule.text.startswith("-") else "ct count" in rule.text


def only_syn(rule: Rule) -> bool:
    """Return whether a rule matches SYNs only. One that matches any packet counts a connection from its next packet."""
    syn = r"(?<!! )--tcp-flags FIN,SYN,RST,ACK SYN |(?<!! )--(?:ct)?state NEW |== syn |ct state new "
    return bool(re.search(syn, rule.text))


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
            if word.startswith(f"--{name}-") or (name in ("recent", "limit") and word in OWN_OPTIONS[name])
        ]
        phrases += [f"{name} {', '.join(own)}"] if own else []
    what = "; ".join(phrases).replace("saddr", "source").replace("daddr", "destination")
    return f"{what}: {target(text)}" if what else text


def _value(options: Sequence[str], at: int) -> str:
    """Return the word behind an option, if it has one."""
    following = options[at + 1 : at + 2]
    return following[0] if following and not following[0].startswith(("-", "!")) else ""
