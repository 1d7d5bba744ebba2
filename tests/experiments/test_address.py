"""Who reaches a server that is bound to one address, or to none in particular.

client-1 ──> server   0.0.0.0, its own address, or 127.0.0.1
"""

from __future__ import annotations

import pytest

from connlab.agent.session import Agent
from connlab.base.model import Outcome, Verdict
from tests.support.laboratory import laboratory
from tests.support.sockets import tcp_sockets

ESTABLISHED, REFUSED = Outcome.ESTABLISHED, Outcome.REFUSED


@pytest.mark.claim("empty-address-is-reachable")
@pytest.mark.parametrize(
    ("listen", "bound", "outcome"),
    [("", "0.0.0.0", ESTABLISHED), ("server", None, ESTABLISHED), ("127.0.0.1", "127.0.0.1", REFUSED)],
    ids=["empty", "a name", "loopback"],
)
def test_who_reaches_the_server_depends_on_its_address(
    watch, verdict, listen: str, bound: str | None, outcome: Outcome
) -> None:
    """Empty is every address, a name is the one it resolves to, and loopback is reached by no other host.

    There the client sees the same RST as from the policy, but the rule's counter did not move (O02).
    """
    with laboratory(LISTEN=listen, CLIENTS=1) as lab:
        with Agent(lab.clients[0]) as agent, watch(lab.server) as diff:
            (attempt,) = agent.open(1)
        (listener,) = tcp_sockets(lab.server, lab.settings.port, "LISTEN")

    assert attempt.outcome is outcome
    assert listener.local == (bound or lab.server.address)
    assert (diff.refused, diff.reported("accepted")) == (0, outcome is ESTABLISHED)
    verdict(
        Verdict.HOLDS,
        f"bound to `{listen}`: listens on {listener.local}:{listener.local_port},"
        f" another host's dial is {attempt.outcome}",
    )
