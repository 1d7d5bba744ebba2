"""Twenty hosts dial twenty times each, all from one moment: nothing is lost, and nobody gets more than its limit.

As a thousand sources on a few hosts do (tests/verbs/test_truth_at_scale.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from connlab.agent.session import PACE_MS, Agent, at_once
from connlab.base.model import Outcome, tally
from connlab.base.wait import until
from tests.support.laboratory import Lab, server_events
from tests.support.sockets import established

ESTABLISHED, REFUSED = Outcome.ESTABLISHED, Outcome.REFUSED
LIMIT, DIALS = 15, 20


@pytest.fixture(scope="module")
def dialling(_crowd: Lab) -> Iterator[list[Agent]]:
    """Start an agent on each host, once."""
    with _crowd.agents.on_each(_crowd.clients) as crowd_agents:
        yield crowd_agents


@pytest.fixture
def crowd_agents(dialling: list[Agent]) -> Iterator[list[Agent]]:
    """Return the agents of the crowd, and close all that they hold afterwards."""
    yield dialling
    for agent in dialling:
        agent.close()


@pytest.mark.variation
def test_paced_each_host_gets_exactly_its_limit(crowd: Lab, crowd_agents: list[Agent], watch) -> None:
    """Every host: fifteen of twenty, and client, server log, ss(8) and the rule's counter say the same."""
    with watch(crowd.server) as diff:
        results = at_once(crowd_agents, DIALS, gap_ms=PACE_MS)
        connections = _connections_by_source(crowd)

    addresses = [agent.host.address for agent in crowd_agents]
    per_host = dict(zip(addresses, map(tally, results), strict=True))
    assert per_host == {host.address: {ESTABLISHED: LIMIT, REFUSED: DIALS - LIMIT} for host in crowd.clients}
    assert connections == {host.address: LIMIT for host in crowd.clients}
    assert diff.refused == len(crowd.clients) * (DIALS - LIMIT)
    for host in crowd.clients:
        assert diff.reported("accepted", host.address) == LIMIT
        assert diff.reported("refused", host.address) == DIALS - LIMIT


@pytest.mark.variation
def test_in_a_burst_nobody_gets_more_and_every_dial_is_accounted_for(
    crowd: Lab, crowd_agents: list[Agent], watch
) -> None:
    """400 SYNs at once: at most fifteen each (two CPUs may both refuse, J05), and attempts = admitted + refused."""
    earlier = _log_counts(crowd)
    with watch(crowd.server) as diff:
        results = at_once(crowd_agents, DIALS, in_flight=DIALS)
        connections = _connections_by_source(crowd)
        total = len(crowd.clients) * DIALS
        until(lambda: (_log_counts(crowd) - earlier).total() == total, "the log has them all", 10)
        logged = _log_counts(crowd) - earlier

    sums = tally(attempt for result in results for attempt in result)
    assert max(tally(result)[ESTABLISHED] for result in results) <= LIMIT
    assert sums[ESTABLISHED] + sums[REFUSED] + sums[Outcome.TIMED_OUT] == len(crowd.clients) * DIALS
    assert sums[Outcome.TIMED_OUT] == diff.counter("TcpExtListenOverflows") == 0
    assert sums[REFUSED] == diff.refused == logged["refused"]
    assert sums[ESTABLISHED] == connections.total() == diff.reported("accepted") == logged["accepted"]


def test_what_is_held_answers_while_others_are_refused(crowd: Lab, crowd_agents: list[Agent]) -> None:
    """A host at its limit talks over all of its fifteen; the server has read each request, and told it."""
    agent = crowd_agents[0]

    def read() -> int:
        messages = server_events(crowd, "message")
        return sum(
            event.fields["bytes"] for event in messages if event.fields["source"] == agent.host.address
        )

    before = read()
    assert tally(agent.open(DIALS)) == {ESTABLISHED: LIMIT, REFUSED: DIALS - LIMIT}
    closed = agent.talk(4 * LIMIT, bytes=7)
    opened = agent.talk(rate=500, duration_ms=100, bytes=7)
    assert (closed.sent, closed.answered, closed.failed) == (4 * LIMIT, 4 * LIMIT, [])
    assert (opened.sent + opened.unsent, opened.answered, opened.failed) == (50, opened.sent, [])
    told = 7 * (closed.sent + opened.sent)
    until(lambda: read() - before == told, "the log has them all", 10)


def _connections_by_source(lab: Lab) -> Counter[str]:
    """Count established connections by source, as the server's kernel has them."""
    return Counter(socket.peer for socket in established(lab.server, lab.settings.port))


def _log_counts(lab: Lab) -> Counter[str]:
    """Count the SYNs that the server's log says were accepted and refused, since it started."""
    return Counter(event.event for event in server_events(lab, "accepted", "refused"))
