"""A server that restarts is never open without its policy: the rule is there before the port is."""

from __future__ import annotations

from itertools import groupby

import pytest

from connlab.base.model import Outcome, events, tally
from connlab.base.wait import until
from tests.support.laboratory import Lab, server_events

pytestmark = pytest.mark.xdist_group("many at once")

LIMIT = 15


@pytest.fixture
def lab(many_at_once) -> Lab:
    """Return one lab for both tests, whose server is restarted by the first and stopped by the second."""
    return many_at_once()


def test_a_host_that_never_stops_dialling_never_gets_more_than_its_limit(lab: Lab) -> None:
    """Through a whole restart, dial after dial: fifteen before it, fifteen after it, and none besides."""
    earlier = _accepted(lab)
    with lab.agents.on(lab.clients[0]) as agent:
        pending = agent.start_open(1500, gap_ms=2, timeout_ms=200)
        until(lambda: _accepted(lab) - earlier == LIMIT, "the first fifteen are in", within=10)
        lab.server.restart()
        attempts = pending()

        assert _accepted(lab) - earlier == 2 * LIMIT
        assert lab.server.run(["iptables-save", "-c", "-t", "filter"]).count("-j REJECT") == 1

    runs = [
        (outcome, len(list(group))) for outcome, group in groupby(attempt.outcome for attempt in attempts)
    ]
    admitted = [length for outcome, length in runs if outcome is Outcome.ESTABLISHED]
    assert admitted == [LIMIT, LIMIT], runs
    assert runs[-1][0] is Outcome.REFUSED, "the dials went on until the new policy refused"
    assert tally(attempts)[Outcome.HARNESS_ERROR] == 0


def test_a_stopping_server_closes_every_connection_properly(lab: Lab) -> None:
    """SIGTERM: each client reads the end (FIN, not RST), the server says so and exits with 0."""
    with lab.agents.on(lab.clients[0]) as agent:
        earlier = len(events(lab.server.log()))
        agent.open(LIMIT)
        agent.send("last words")
        # A server that stops before it has read would have to reset.
        assert [received.text for received in agent.recv()] == ["last words"] * LIMIT
        lab.server.signal("SIGTERM")
        until(
            lambda: lab.server.inspect()["State"]["Status"] == "exited", "the server has stopped", within=10
        )
        ends = agent.recv()
        names = [event.event for event in events(lab.server.log())][earlier:]
        state = lab.server.inspect()["State"]

    assert [(end.text, end.eof, end.errno) for end in ends] == [("", True, None)] * LIMIT
    assert names[-1] == "stopped"
    assert names.count("closed") == LIMIT
    assert state["ExitCode"] == 0


def _accepted(lab: Lab) -> int:
    return len(server_events(lab, "accepted"))
