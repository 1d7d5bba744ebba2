"""When a connection ends, its slot is free again: one slot, and not before both sides have ended it.

The conntrack entry decides, not the socket (docs/kernel.md C03, C05, C07): TIME_WAIT and CLOSE do not
count, a half-closed connection does.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connlab.agent.session import Agent
from connlab.base.model import Outcome, tally
from connlab.cluster.stream import StreamClosed
from tests.support.laboratory import Lab, close_on_server

ESTABLISHED, REFUSED = Outcome.ESTABLISHED, Outcome.REFUSED
LIMIT = 15


def fin_by_client(lab: Lab, agent: Agent, conn: int, port: int) -> None:
    """Have the client close first; the server answers with its own FIN."""
    assert agent.close([conn], "fin")[0].peer == "fin"


def rst_by_client(lab: Lab, agent: Agent, conn: int, port: int) -> None:
    """Have the client reset the connection."""
    agent.close([conn], "rst")


def fin_by_server(lab: Lab, agent: Agent, conn: int, port: int) -> None:
    """Have the server close first, which frees nothing (CLOSE_WAIT counts); then the client."""
    assert close_on_server(lab.server, agent.host.address, port) == 1
    assert agent.recv(conns=[conn])[0].eof
    assert tally(agent.open(1)) == {REFUSED: 1}
    agent.close([conn], "fin")


@pytest.mark.parametrize("end", [fin_by_client, rst_by_client, fin_by_server])
def test_an_ended_connection_frees_exactly_one_slot(crowd: Lab, watch, end: Callable[..., None]) -> None:
    """After one of fifteen ends, one more dial is admitted and the next is refused."""
    with crowd.agents.on(crowd.clients[0]) as agent, watch(crowd.server) as diff:
        attempts = agent.open(LIMIT)
        end(crowd, agent, attempts[0].conn, attempts[0].source_port)
        later_attempts = agent.open(2)

    assert tally(attempts) == {ESTABLISHED: LIMIT}
    assert [attempt.outcome for attempt in later_attempts] == [ESTABLISHED, REFUSED]
    assert diff.reported("accepted") == LIMIT + 1
    assert diff.refused == 1 + (end is fin_by_server)


def test_a_killed_client_process_frees_its_slot(crowd: Lab, watch) -> None:
    """The process that held one connection is killed (SIGKILL): the kernel closes for it, and one slot is free."""
    client = crowd.clients[0]
    with crowd.agents.on(client) as survivor, watch(crowd.server) as diff:
        with Agent(client) as victim:
            assert tally(survivor.open(LIMIT - 1)) == {ESTABLISHED: LIMIT - 1}
            assert tally(victim.open(2)) == {ESTABLISHED: 1, REFUSED: 1}
            client.run(["kill", "-9", str(victim.facts().pid)])
            with pytest.raises(StreamClosed):  # the end of its stream: the kernel has closed its sockets
                victim.wait(30)
        later_attempts = survivor.open(2)

    assert [attempt.outcome for attempt in later_attempts] == [ESTABLISHED, REFUSED]
    assert diff.refused == 2


def test_a_half_closed_connection_keeps_its_slot(crowd: Lab, watch) -> None:
    """A client that only sends its FIN is answered by the echo server's FIN: both ended, the slot is free.

    The positive control of `fin_by_server`: it is the missing second FIN that keeps a slot.
    """
    with crowd.agents.on(crowd.clients[0]) as agent, watch(crowd.server) as diff:
        attempts = agent.open(LIMIT)
        agent.close([attempts[0].conn], "half")
        assert agent.recv(conns=[attempts[0].conn])[0].eof
        later_attempts = agent.open(2)

    assert [attempt.outcome for attempt in later_attempts] == [ESTABLISHED, REFUSED]
    assert diff.refused == 1
