"""Twenty hosts dial twenty times each, all from one moment: nothing is lost, and nobody gets more than its limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from connlab.agent.session import PACE_MS, Agent, agents, at_once
from connlab.base.model import Outcome, events, tally
from connlab.base.wait import until
from tests.support.laboratory import Lab
from tests.support.sockets import established

ESTABLISHED, REFUSED = Outcome.ESTABLISHED, Outcome.REFUSED
LIMIT, DIALS = 15, 20


@pytest.fixture(scope="module")
def dialling(_crowd: Lab) -> Iterator[list[Agent]]:
    """An agent on each host, opened once."""
    with agents(_crowd.clients) as all_of_them:
        yield all_of_them


@pytest.fixture
def all_of_them(dialling: list[Agent]) -> Iterator[list[Agent]]:
    """The same, who let go of all that they hold."""
    yield dialling
    for agent in dialling:
        agent.close()


def test_paced_each_host_gets_exactly_its_limit(crowd: Lab, all_of_them: list[Agent], watch) -> None:
    """Every host: fifteen of twenty, and client, server log, ss(8) and the rule's counter say the same."""
    with watch(crowd.server) as seen:
        results = at_once(all_of_them, DIALS, gap_ms=PACE_MS)
        held = _held(crowd)

    per_host = {agent.host.address: tally(result) for agent, result in zip(all_of_them, results, strict=True)}
    assert per_host == {host.address: {ESTABLISHED: LIMIT, REFUSED: DIALS - LIMIT} for host in crowd.clients}
    assert held == {host.address: LIMIT for host in crowd.clients}
    assert seen.refused == len(crowd.clients) * (DIALS - LIMIT)
    for host in crowd.clients:
        assert (seen.reported("accepted", host.address), seen.reported("refused", host.address)) == (
            LIMIT,
            DIALS - LIMIT,
        )


def test_in_a_burst_nobody_gets_more_and_every_dial_is_accounted_for(
    crowd: Lab, all_of_them: list[Agent], watch
) -> None:
    """400 SYNs at once: at most fifteen each (two CPUs may both refuse, J05), and attempts = admitted + refused."""
    earlier = _logged(crowd)
    with watch(crowd.server) as seen:
        results = at_once(all_of_them, DIALS, in_flight=DIALS)
        held = _held(crowd)
        until(
            lambda: (_logged(crowd) - earlier).total() == len(crowd.clients) * DIALS,
            "the log has them all",
            10,
        )
        logged = _logged(crowd) - earlier

    sums = tally(attempt for result in results for attempt in result)
    assert max(tally(result)[ESTABLISHED] for result in results) <= LIMIT
    assert sums[ESTABLISHED] + sums[REFUSED] + sums[Outcome.TIMED_OUT] == len(crowd.clients) * DIALS
    assert sums[Outcome.TIMED_OUT] == seen.counter("TcpExtListenOverflows") == 0
    assert sums[REFUSED] == seen.refused == logged["refused"]
    assert sums[ESTABLISHED] == held.total() == seen.reported("accepted") == logged["accepted"]


def _held(lab: Lab) -> Counter[str]:
    """Established connections by source, as the server's kernel has them."""
    return Counter(socket.peer for socket in established(lab.server, lab.settings.port))


def _logged(lab: Lab) -> Counter[str]:
    """How many SYNs the server's log says were accepted and refused, since it started."""
    return Counter(
        event.event for event in events(lab.server.log()) if event.event in ("accepted", "refused")
    )
