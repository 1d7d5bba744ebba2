"""What became of the policy since it was loaded: differences, counters that went back, connections not counted."""

from __future__ import annotations

import json

import pytest

from server import baseline, drift, sampling
from server.rules import Chain, Rule
from server.ruleset import Ruleset

LIMIT = (
    "-A INPUT -p tcp -m tcp --dport 12345 --tcp-flags FIN,SYN,RST,ACK SYN -m connlimit --connlimit-above 15 "
    "--connlimit-mask 32 --connlimit-saddr -j REJECT --reject-with tcp-reset"
)
LOG = "-A OUTPUT -p tcp -j NFLOG --nflog-group 5"
CHAINS = [Chain("filter", "INPUT", "input"), Chain("filter", "OUTPUT", "output")]


def rule(text: str = LIMIT, handle: str = "2/4", packets: int = 0, table: str = "filter") -> Rule:
    chain = text.split()[1] if text.startswith("-") else "c"
    return Rule(table, chain, handle, text, packets)


def ruleset_of(*rules: Rule, generation: int = 5, chains: list[Chain] = CHAINS) -> Ruleset:
    return Ruleset(generation, chains, list(rules))


@pytest.fixture
def then():
    return baseline.new("connlimit", ruleset_of(rule(), rule(LOG, "2/5")), refusals=0)


@pytest.mark.parametrize(
    ("now", "lines"),
    [
        ([rule(packets=7), rule(LOG, "2/5", 9)], []),
        ([rule(LOG, "2/5")], [f"missing in filter: {LIMIT}"]),
        ([rule(handle="2/6"), rule(LOG, "2/5")], [f"loaded again in filter, so its count began anew: {LIMIT}"]),
        ([rule(handle="3/4"), rule(LOG, "2/5")], [f"loaded again in filter, so its count began anew: {LIMIT}"]),
        ([rule(LIMIT.replace("15", "3")), rule(LOG, "2/5")],
         [f"missing in filter: {LIMIT}", f"added in filter: {LIMIT.replace('15', '3')}"]),
        ([rule(), rule(LOG, "2/5"), rule("-A INPUT -j ACCEPT", "2/9")], ["added in filter: -A INPUT -j ACCEPT"]),
        ([rule(), rule(LOG, "2/5"), rule("-P INPUT DROP", "0")], ["added in filter: -P INPUT DROP"]),
        ([rule(), rule(LOG, "2/5"), rule("tcp dport 1 drop", "7/1", table="inet x")],
         ["added in inet x c: tcp dport 1 drop"]),
        ([rule(), rule(LOG, "2/5"), rule("-A PREROUTING -j DROP", "8/1", table="raw")],
         ["added in raw: -A PREROUTING -j DROP"]),
    ],
)  # fmt: skip
def test_every_difference_is_told(then, now, lines):
    """Text, handle, table and policy; a counter that moved is no difference."""
    assert drift.difference(then, ruleset_of(*now)) == lines


def test_the_order_of_rules_is_a_difference():
    """The same two rules the other way round judge otherwise."""
    one, two = rule(), rule("-A INPUT -j ACCEPT", "2/6")
    then = baseline.new("connlimit", ruleset_of(one, two), None)
    assert drift.difference(then, ruleset_of(one, two)) == []
    assert drift.difference(then, ruleset_of(two, one)) == ["the rules are in another order"]


def test_in_a_table_that_iptables_no_longer_shows_rules_are_known_by_handle(then):
    """They keep the words that they were loaded with, and it is said that these are not from now."""
    now = ruleset_of(
        rule()._replace(text='xt match "connlimit" reject'), rule(LOG, "2/5")._replace(text="log group 5"),
        rule("ct count over 3 reject", "2/9")._replace(chain="INPUT"),
    )  # fmt: skip
    assert drift.difference(then, now) == ["added in filter INPUT: ct count over 3 reject"]
    shown_rules = drift.with_loaded_texts(then, now)
    assert [one.text.removesuffix(f" {drift.AS_LOADED}") for one in shown_rules.rules[:2]] == [LIMIT, LOG]
    assert drift.difference(then, shown_rules) == ["added in filter INPUT: ct count over 3 reject"]


def test_a_table_of_iptables_legacy_is_a_difference(then):
    """nf_tables does not show what it says, but that it is there."""
    now = ruleset_of(rule(), rule(LOG, "2/5"), chains=[*CHAINS, Chain("legacy filter", "", "")])
    assert drift.difference(then, now) == [
        "a table of iptables-legacy that was not there, and cannot be read from here: legacy filter"
    ]


def uncounted_after(
    then, now: Ruleset, connected: list[str], refusals: int | None = None
) -> tuple[list[str], list[str]]:
    """Take one sample, kept and read back as JSON, as between two samples on a host."""
    sampling.advance(then, now, connected, refusals)
    assert json.loads(json.dumps(then))["last"]["connected"] == connected
    return then["uncounted"], then["unsure"]


def test_without_a_transaction_everything_is_counted(then):
    """Connections come and go; the generation stands still."""
    assert uncounted_after(then, ruleset_of(rule(packets=3)), ["a", "b"]) == ([], [])
    assert uncounted_after(then, ruleset_of(rule(packets=5)), ["b", "c"]) == ([], [])
    assert then["went_back"] == []


def test_zeroed_counters_leave_the_older_connections_uncounted(then):
    """`iptables -Z`: the counter went back in a transaction. Who was there before is certain, who came since is not."""
    uncounted_after(then, ruleset_of(rule(packets=3)), ["a", "b"])
    zeroed = ruleset_of(rule(packets=0), generation=6)
    assert uncounted_after(then, zeroed, ["a", "b", "c"]) == (["a", "b"], ["c"])
    assert [entry["rule"] for entry in then["went_back"]] == [LIMIT]
    assert uncounted_after(then, ruleset_of(rule(packets=9), generation=6), ["b", "c", "d"]) == (["b"], ["c"])
    assert uncounted_after(then, ruleset_of(rule(packets=9), generation=6), ["d"]) == ([], [])


def test_a_rule_that_was_put_back_counts_from_then_on(then):
    """Another handle with the same words: the same as zeroed, without a counter that says so."""
    uncounted_after(then, ruleset_of(rule()), ["a"])
    assert uncounted_after(then, ruleset_of(rule(handle="2/8"), generation=7), ["a", "b"]) == (["a"], ["b"])


def test_another_change_leaves_it_open(then):
    """A transaction that shows in nothing can have replaced the rule by its like, at a counter of 0."""
    uncounted_after(then, ruleset_of(rule()), ["a"])
    assert uncounted_after(then, ruleset_of(rule(), generation=6), ["a", "b"]) == ([], ["a", "b"])


def test_a_reset_without_a_transaction_is_told_and_changes_no_count(then):
    """`nft reset rules` sets counters to 0 and leaves the connections counted (C31)."""
    uncounted_after(then, ruleset_of(rule(packets=3)), ["a"])
    assert uncounted_after(then, ruleset_of(rule(packets=0)), ["a"]) == ([], [])
    assert [entry["rule"] for entry in then["went_back"]] == [LIMIT]


def test_the_server_s_own_account_shows_counters_that_went_back(then):
    """Zeroed and past its old value again: more refusals told than the rule that reports them has counted."""
    uncounted_after(then, ruleset_of(rule(packets=3), rule(LOG, "2/5", 3)), [], refusals=3)
    assert then["went_back"] == []
    uncounted_after(then, ruleset_of(rule(packets=4), rule(LOG, "2/5", 4)), [], refusals=7)
    assert [entry["rule"] for entry in then["went_back"]] == [LOG]


def test_a_look_that_another_passed_is_taken_again(then):
    """Counters lower than the last look's, or another generation: perhaps it began before that one did."""
    uncounted_after(then, ruleset_of(rule(packets=3)), ["a"])
    assert not sampling.older(then, ruleset_of(rule(packets=3)))
    assert sampling.older(then, ruleset_of(rule(packets=2)))
    assert sampling.older(then, ruleset_of(rule(packets=4), generation=6))


def test_a_rule_that_sees_every_packet_counts_older_connections_again(then):
    """Without the SYN match nothing certain can be said of who is counted."""
    every = rule(LIMIT.replace("--tcp-flags FIN,SYN,RST,ACK SYN ", ""))
    then = baseline.new("every", ruleset_of(every), 0, uncounted=["a"])
    assert uncounted_after(then, ruleset_of(every), ["a", "b"]) == ([], ["a"])


def test_what_is_kept_is_root_s_alone(tmp_path, monkeypatch):
    """It comes back as it was, from a file that nobody else may read or lock."""
    monkeypatch.setattr(baseline, "STEM", f"{tmp_path}/kept")
    with pytest.raises(baseline.NoBaseline), baseline.stored():
        pass
    baseline.store(baseline.new("connlimit", ruleset_of(rule()), 0))
    with baseline.stored() as then:
        assert drift.difference(then, ruleset_of(rule())) == []
        then["refusals"] = 8
    with baseline.stored() as then:
        assert then["refusals"] == 8
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
