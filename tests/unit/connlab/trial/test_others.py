"""What a file takes away of others: which files are tried for it, and what is seen."""

from __future__ import annotations

from typing import Any

import pytest

from connlab.trial.files import others

SAVED = "".join(
    f"*{table}\n"
    + "".join(f"-A {chain} -m comment --comment connlab-others\n" for chain in chains)
    + "COMMIT\n"
    for table, chains in others.BUILT_IN.items()
)
NFT = 'table inet connlab_others {\n\tchain c {\n\t\tcounter comment "connlab-others" # handle 2\n\t}\n}\n'


def test_what_is_gone_is_named_by_its_table():
    """One chain of a table is enough, and nothing is gone of a host as it was made."""
    assert others.gone({"iptables": SAVED, "ip6tables": SAVED, "nft": NFT}) == []
    less = SAVED.replace("-A FORWARD -m comment --comment connlab-others\n", "", 1)
    assert others.gone({"iptables": SAVED, "ip6tables": less, "nft": ""}) == [
        "ip6 filter",
        "inet connlab_others",
    ]


def test_a_text_that_does_not_name_all_chains_of_its_table():
    """Names the line of the table; one that names them all replaces them knowingly."""
    assert others.unnamed_chains("#\n*filter\n:INPUT DROP [0:0]\nCOMMIT\n") == (
        2,
        "filter",
        ["FORWARD", "OUTPUT"],
    )
    assert others.unnamed_chains("*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n") is None
    assert others.unnamed_chains("-A INPUT -j DROP\n") is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("#!/usr/sbin/nft -f\n# flush ruleset\nflush ruleset\n", 3),
        ("table ip x\ndelete table ip x\n", 2),
        ("add table ip x; flush table ip x\n", 1),
        ("table ip x { chain y { tcp dport 1 drop; } }\n", None),
    ],
)
def test_the_line_of_an_nft_text_that_flushes(text, line):
    """In a comment it says nothing."""
    assert others.flushing_line(text) == line


@pytest.mark.parametrize(
    ("tool", "words", "fed", "takes"),
    [
        ("iptables", ["-F"], "", True),
        ("iptables", ["-t", "nat", "--flush"], "", True),
        ("iptables", ["-A", "INPUT", "-j", "DROP"], "", False),
        ("nft", ["flush", "ruleset"], "", True),
        ("nft", ["-f", "-"], "flush ruleset\n", True),
        ("iptables-restore", [], "*filter\n:INPUT DROP [0:0]\nCOMMIT\n", True),
        ("iptables-restore", ["-n"], "*filter\n:INPUT DROP [0:0]\nCOMMIT\n", False),
    ],
)
def test_calls_that_take_something_away(tool: str, words: list[str], fed: str, takes: bool):
    """By their words, or by what they were fed."""
    call: dict[str, Any] = {"tool": tool, "words": words, "input": fed}
    assert others.takes_away(call) is takes
