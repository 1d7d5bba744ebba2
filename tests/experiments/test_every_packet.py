"""C34: connlimit on every packet, not on SYNs alone, drops the reset of a source's only connection.

What ends is counted no more, the count is then 0, and xt_connlimit.c drops the packet whose count is 0, whatever the
rule's target is. So the server's kernel keeps what the client has reset.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connlab.base.wait import until
from tests.support.laboratory import Lab, laboratory
from tests.support.sockets import tcp_sockets

RULE = "INPUT -p tcp --dport 12345 -m connlimit --connlimit-above 15 -j REJECT --reject-with tcp-reset"
TICKS = 0.05  # seconds: in one tick connlimit looks only once at what has ended


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Start a lab whose rule counts at every packet."""
    with laboratory(FIREWALL="none", PORT=12345) as lab:
        lab.server.run(["iptables", "-A", *RULE.split()], user="root")
        yield lab


def test_the_reset_of_an_only_connection_does_not_arrive(lab: Lab) -> None:
    """The client says something on a connection made after that; the server still has both."""
    with lab.agents.on(lab.clients[0]) as agent:
        (only,) = agent.open(1)
        agent.wait(TICKS)
        agent.close([only.conn], "rst")
        (later,) = agent.open(1)
        agent.send(conns=[later.conn])
        assert agent.recv([later.conn])[0].text == "hello"
        assert _states(lab, only.source_port) == ["ESTAB"]


def test_of_two_connections_the_first_to_end_arrives(lab: Lab) -> None:
    """The control: another one of the same source is counted, and the reset comes through."""
    with lab.agents.on(lab.clients[0]) as agent:
        first, _ = agent.open(2)
        agent.wait(TICKS)
        agent.close([first.conn], "rst")
        until(lambda: not _states(lab, first.source_port), "the reset has arrived", within=10)


def _states(lab: Lab, port: int | None) -> list[str]:
    """Return the states of the server's sockets whose peer has this port."""
    return [each.state for each in tcp_sockets(lab.server, lab.settings.port) if each.peer_port == port]
