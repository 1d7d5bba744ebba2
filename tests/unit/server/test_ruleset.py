"""The kernel's rules: nft's listing and iptables-save's, recorded together on a server host (Linux 6.18, Debian 13)."""

from __future__ import annotations

from pathlib import Path

import pytest

from server import ruleset

DATA = Path(__file__).parents[1] / "data"


def recorded(kind: str) -> tuple[list, list]:
    saved = (DATA / f"iptables-save-{kind}.txt").read_text()
    return ruleset.parse(
        (DATA / f"nft{'-mixed' if kind == 'mixed' else ''}.txt").read_text(), ruleset.texts(saved)
    )


def test_every_table_is_read_with_handles_and_counters():
    """The tables of iptables are in its own words, others in nft's; a chain's policy that drops is a rule too."""
    chains, rules = recorded("all")
    assert {chain.table for chain in chains} == {"filter", "mangle", "nat", "inet foo"}
    (limit,) = [rule for rule in rules if "connlimit" in rule.text]
    assert (limit.table, limit.chain, limit.handle, limit.packets) == ("filter", "INPUT", "9/4", 13)
    assert limit.text.startswith("-A INPUT -p tcp -m tcp --dport 12345 ")
    assert [rule.text for rule in rules if rule.handle == "0"] == ["-P INPUT DROP"]
    assert [rule.text for rule in rules if rule.table == "inet foo"] == [
        "tcp dport 999 counter drop", "ip saddr @s reject with icmp port-unreachable",
    ]  # fmt: skip


def test_docker_s_rules_for_names_and_tables_that_do_nothing_are_left_out():
    """Its jumps and its chains in `nat`, but nobody else's rule there; `raw` and `inet empty` have no rule."""
    chains, rules = recorded("all")
    assert [rule.text for rule in rules if rule.table == "nat"] == [
        "-A PREROUTING -p tcp -m tcp --dport 999 -j REDIRECT --to-ports 1"
    ]
    assert not {"raw", "inet empty"} & {chain.table for chain in chains}


def test_a_table_that_iptables_no_longer_shows_is_read_from_nft():
    """A rule of nft's own in `filter` makes iptables-save pass over the table."""
    _, rules = recorded("mixed")
    texts = [rule.text for rule in rules if (rule.table, rule.chain) == ("filter", "INPUT")]
    assert texts[0] == "policy drop"
    assert texts[-1] == "tcp dport 12345 ct count over 3 counter reject with tcp reset"
    (limit,) = [rule for rule in rules if "connlimit" in rule.text]
    assert (limit.packets, limit.handle) == (13, "9/4")
    assert limit.text.endswith('xt match "connlimit" counter reject with tcp reset')


def test_listings_that_disagree_are_refused():
    """A rule more in one than in the other is no pair of texts and handles."""
    listed = (DATA / "nft.txt").read_text()
    saved = (DATA / "iptables-save-all.txt").read_text()
    with pytest.raises(ruleset.Unreadable, match="disagree on chain INPUT of table filter"):
        ruleset.parse(listed, ruleset.texts(saved.replace("COMMIT", "[0:0] -A INPUT -j ACCEPT\nCOMMIT")))
