"""The boundary: how many connections one source gets, and that others do not notice.

client-1 ──┐
client-2 ──┼── bridge ── server   INPUT: a SYN to PORT from a source that
client-N ──┘                      already has CONNLIMIT connections -> RST
"""

from __future__ import annotations

import pytest

from connlab.base.model import Outcome, tally
from connlab.cluster.reload import reload
from connlab.kernel import reference_model
from tests.support.laboratory import Lab
from tests.support.sockets import established

ESTABLISHED, REFUSED = Outcome.ESTABLISHED, Outcome.REFUSED


@pytest.mark.parametrize(
    ("count", "prober", "expected"),
    [
        (14, "same", ESTABLISHED),
        (15, "same", REFUSED),
        (16, "same", REFUSED),
        (14, "other", ESTABLISHED),
        (15, "other", ESTABLISHED),
        (16, "other", ESTABLISHED),
    ],
)
def test_boundary(crowd: Lab, watch, count: int, prober: str, expected: Outcome) -> None:
    """A source that asked for 14 gets one more, one that asked for 15 or 16 does not; others always do."""
    check_boundary(crowd, watch, count, prober, expected)


def check_boundary(lab: Lab, watch, count: int, prober: str, expected: Outcome) -> None:
    """Judge one row of the table by both witnesses; also used by the negative control below."""
    with lab.agents.on_each(lab.clients[:2]) as (one, other), watch(lab.server) as diff:
        first = one.open(count)
        extra = (one if prober == "same" else other).open(1)

    assert [attempt.outcome for attempt in first] == reference_model.expected_outcomes(0, count, limit=15)
    assert [attempt.outcome for attempt in extra] == [expected]
    refusals = tally([*first, *extra])[REFUSED]
    assert diff.refused == refusals
    assert diff.reported("refused") == refusals
    assert diff.reported("accepted") == tally([*first, *extra])[ESTABLISHED]


@pytest.fixture
def apart(many_at_once) -> Lab:
    """Return a lab for tests that take its rule away, or leave it with stale entries; the rule is as loaded again."""
    lab = many_at_once(BACKLOG=1024)  # as it would be anyway, but so this server is no other test's
    reload(lab.server)
    return lab


@pytest.mark.xdist_group("many at once")
def test_without_the_rule_the_boundary_is_gone(apart: Lab, watch) -> None:
    """Negative control: the test above fails when the rule is removed, so it is the rule that it sees."""
    apart.server.run(["iptables", "-D", "INPUT", "1"])
    with pytest.raises(AssertionError):
        check_boundary(apart, watch, 15, "same", REFUSED)


@pytest.mark.xdist_group("many at once")
def test_a_greedy_host_leaves_the_others_unharmed(apart: Lab, watch) -> None:
    """While one host dials ten times its limit, each other host gets all of its own.

    Not in the crowd: so many refusals at once leave stale entries in the source's list (J08).
    """
    with apart.agents.on_each(apart.clients) as (greedy, *others), watch(apart.server) as diff:
        pending = greedy.start_open(150, in_flight=16)
        tallies = [tally(agent.open(15)) for agent in others]
        greedy_tally = tally(pending())

    assert tallies == [{ESTABLISHED: 15}] * 2
    assert greedy_tally[ESTABLISHED] <= 15
    assert greedy_tally[REFUSED] == 150 - greedy_tally[ESTABLISHED] == diff.refused
    assert diff.reported("refused", greedy.host.address) == diff.refused


def test_the_observer_takes_no_slot(crowd: Lab, watch) -> None:
    """Looking ten times while a source holds its whole limit changes no count, on either side."""
    client = crowd.clients[0]
    with crowd.agents.on(client) as agent:
        assert tally(agent.open(15)) == {ESTABLISHED: 15}
        with watch(crowd.server) as diff:
            observations = [established(crowd.server, crowd.settings.port) for _ in range(10)]

        assert diff.after.held(crowd.settings.port) == {client.address: 15}
        assert [len(observation) for observation in observations] == [15] * 10
    assert (diff.refused, diff.reported("accepted"), diff.counter("TcpPassiveOpens")) == (0, 0, 0)
