"""Counts in the place of rates: of which rules, with which number, and for whom."""

from __future__ import annotations

import pytest

from connlab.trial.findings.evidence import Finding
from connlab.trial.repairs.rate_jobs import count, of_rates
from connlab.trial.repairs.repair import Where
from tests.support.trials import dials, evidence, row, ruleset, tried

FOUR, SIX = Where(4, [443], "inet guard"), Where(6, [443], "inet guard")
HASH = "-A INPUT -p tcp -m hashlimit --hashlimit-{} 6/min{} --hashlimit-mode srcip --hashlimit-name a -j {}"
COUNT = "-A INPUT -p tcp -m connlimit --connlimit-{} -j {}"


@pytest.mark.parametrize(
    ("rule", "where", "made"),
    [
        (HASH.format("above", " --hashlimit-burst 3", "DROP"), FOUR, COUNT.format("above 3", "DROP")),
        (HASH.format("above", "", "REJECT"), FOUR, COUNT.format("above 5", "REJECT")),
        (HASH.format("upto", " --hashlimit-burst 9", "ACCEPT"), FOUR, COUNT.format("upto 9", "ACCEPT")),
        ("-A INPUT -p tcp -m limit --limit 20/sec --limit-burst 12 -j ACCEPT", FOUR, COUNT.format("upto 12", "ACCEPT")),
        ("tcp dport 443 limit rate over 3/minute burst 4 packets drop", FOUR,
         "tcp dport 443 add @connlab_sources { ip saddr ct count over 4 } drop"),
        ("tcp dport { 80, 443 } limit rate 3/minute accept", SIX,
         "tcp dport { 80, 443 } add @connlab_sources { ip6 saddr & ffff:ffff:ffff:ffff:: ct count 5 } accept"),
        ("update @seen { ip saddr timeout 1m limit rate over 3/minute burst 4 packets } counter drop", FOUR,
         "add @connlab_sources { ip saddr ct count over 4 } counter drop"),
    ],
)  # fmt: skip
def test_a_rate_is_a_count_of_as_many_as_its_burst(rule, where, made):
    """Above it where the rule refuses, up to it where it lets in."""
    repair = count(rule, where)
    assert repair is not None
    assert repair.rules == [made]
    assert ("add set inet guard connlab_sources" in "".join(repair.first)) is not rule.startswith("-A")


@pytest.mark.parametrize(
    "rule",
    [
        "-A INPUT -m limit --limit 3/min -j LOG",
        "-A INPUT -m limit --limit 3/min -j DROP",
        "-A INPUT -m limit --limit 3/min -j WEB",
        HASH.format("above", "", "ACCEPT"),
        "tcp dport 443 limit rate 3/minute drop",
        "tcp dport 443 ct count over 5 drop",
        "tcp dport 443 limit name slow drop",
        "update @seen { ip saddr . tcp dport limit rate over 3/minute } drop",
    ],
)
def test_of_what_is_no_limit_on_a_source_nothing_is_made(rule):
    """A log, a rate that refuses those below it, what belongs to a pair."""
    assert count(rule, FOUR) is None


def test_it_is_tried_for_who_is_refused_with_nothing_open():
    """By the rate of the line, or the one that let in; not for a port that should be shut."""
    rules = ruleset("tcp dport 443 limit rate 3/minute burst 5 packets accept", "tcp dport 443 drop")
    each = tried(dials("E5 T10", {"E": 1, "T": 2}), reached=[1], of=row())
    seen = evidence(rules, each)
    found = [(name, Finding("refused", each, seen.line(each.judge.place if each.judge else None)))
             for name in ("rate-not-count", "bans", "shared-by-all")]  # fmt: skip
    (job,) = of_rates(seen, found)
    assert dict(job.about) == {0: "freed", 1: "banned"}
    assert "ct count 5 } accept" in job.texts[0]["text"]
    assert list(of_rates(seen, [*found, ("shut-port-opened", found[0][1])])) == []
