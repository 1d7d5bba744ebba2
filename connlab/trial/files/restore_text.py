"""Texts for iptables-restore: the chain of each line that makes a rule, and what a text does not say itself."""

from __future__ import annotations

import itertools
import re
import shlex

from connlab.trial.files.forms import Input
from connlab.trial.files.lines import ChainName, Line, Origin

BUILT_IN = {
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "raw": ("PREROUTING", "OUTPUT"),
    "security": ("INPUT", "FORWARD", "OUTPUT"),
}
COUNTERS = re.compile(r"^\[\d+:\d+\] ?")
TABLE = re.compile(r"\*(\w+)\s*$")
POLICY = re.compile(r":(\S+) (ACCEPT|DROP)|(?:-P|--policy) (\S+) ")
RULE = re.compile(r"(?:-[46] )?(?:-A|--append|-I|--insert|-R|--replace) (\S+)")
ADDRESSES = ("-s", "--source", "--src", "-d", "--destination", "--dst")


def origin(text: Input, family: str) -> Origin:
    """Read where rules and policies come from; several addresses of a line make several rules (iptables(8), -s)."""
    rules: dict[ChainName, list[Line | None]] = {}
    policies: dict[ChainName, Line] = {}
    table = "filter"
    for number, raw in enumerate(text.text.split("\n"), 1):
        said = COUNTERS.sub("", raw.strip())
        line = Line(text.path, number)
        if match := TABLE.match(said):
            table = match[1]
        elif match := POLICY.match(said):
            policies[family, table, match[1] or match[3]] = line
        elif match := RULE.match(said):
            rules.setdefault((family, table, match[1]), []).extend([line] * _rules_of(said))
    return Origin(rules, policies)


def has_table(text: str) -> bool:
    """Tell whether a text names its table; a list of rules alone is taken for the table filter."""
    return re.search(TABLE.pattern, text, re.MULTILINE) is not None


def _rules_of(line: str) -> int:
    """Count the rules that a line makes: one for each pair of a source and a destination."""
    try:
        words = shlex.split(line)
    except ValueError:
        return 1
    count = 1
    for option, value in itertools.pairwise(words):
        name, _, joined = option.partition("=")
        if option in ADDRESSES:
            count *= value.count(",") + 1
        elif name in ADDRESSES and joined:
            count *= joined.count(",") + 1
    return count
