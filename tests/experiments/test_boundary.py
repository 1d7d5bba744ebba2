"""The boundary: how many connections one source gets, and that others do not notice.

client-1 ──┐
client-2 ──┼── bridge ── server   INPUT: a SYN to PORT from a source that
client-N ──┘                      already has CONNLIMIT connections -> RST
"""

from __future__ import annotations

import pytest

from lab import predict
from lab.model import Outcome, tally
from lab.traffic import Agent, agents, attempts
from tests.laboratory import Lab, laboratory

ESTABLISHED, REFUSED = Outcome.ESTABLISHED, Outcome.REFUSED


@pytest.mark.parametrize(
    ("asked", "prober", "expected"),
    [
        (14, "same", ESTABLISHED),
        (15, "same", REFUSED),
        (16, "same", REFUSED),
        (14, "other", ESTABLISHED),
        (15, "other", ESTABLISHED),
        (16, "other", ESTABLISHED),
    ],
)
def test_boundary(crowd: Lab, watch, asked: int, prober: str, expected: Outcome) -> None:
    """A source that asked for 14 gets one more, one that asked for 15 or 16 does not; others always do."""
    check_boundary(crowd, watch, asked, prober, expected)


def check_boundary(lab: Lab, watch, asked: int, prober: str, expected: Outcome) -> None:
    """One row of the table, both witnesses; also used by the negative control below."""
    with agents(lab.clients[:2]) as (one, other), watch(lab.server) as seen:
        first = one.open(asked)
        extra = (one if prober == "same" else other).open(1)

    assert [attempt.outcome for attempt in first] == predict.dials(0, asked, limit=15)
    assert [attempt.outcome for attempt in extra] == [expected]
    refusals = tally([*first, *extra])[REFUSED]
    assert seen.refused == refusals
    assert seen.told("refused") == refusals
    assert seen.told("accepted") == tally([*first, *extra])[ESTABLISHED]


def test_without_the_rule_the_boundary_is_gone(watch) -> None:
    """Negative control: the test above fails when the rule is removed, so it is the rule that it sees."""
    with laboratory(CLIENTS=2) as lab:
        lab.server.run(["iptables", "-D", "INPUT", "1"])
        with pytest.raises(AssertionError):
            check_boundary(lab, watch, 15, "same", REFUSED)


def test_a_greedy_host_leaves_the_others_unharmed(watch) -> None:
    """While one host dials ten times its limit, each other host gets all of its own.

    In a lab of its own: so many refusals at once leave stale entries in the source's list (J08).
    """
    with laboratory(CLIENTS=4) as lab, agents(lab.clients) as (greedy, *others), watch(lab.server) as seen:
        greedy.tell("open", count=150, in_flight=16)
        got = [tally(agent.open(15)) for agent in others]
        answer = tally(attempts(greedy.hear()))

    assert got == [{ESTABLISHED: 15}] * 3
    assert answer[ESTABLISHED] <= 15
    assert answer[REFUSED] == 150 - answer[ESTABLISHED] == seen.refused
    assert seen.told("refused", greedy.host.address) == seen.refused


def test_the_observer_takes_no_slot(crowd: Lab, watch) -> None:
    """Looking ten times while a source holds its whole limit changes no count, on either side."""
    client = crowd.clients[0]
    with Agent(client) as agent:
        assert tally(agent.open(15)) == {ESTABLISHED: 15}
        with watch(crowd.server) as seen:
            looks = [crowd.server.run(["ss", "-tnH"]) for _ in range(10)]

        assert seen.after.held(crowd.settings.port) == {client.address: 15}
        assert all(look.count("ESTAB") == 15 for look in looks)
    assert (seen.refused, seen.told("accepted"), seen.counter("TcpPassiveOpens")) == (0, 0, 0)
