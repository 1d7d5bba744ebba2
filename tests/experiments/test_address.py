"""Who reaches a server that is bound to one address, or to none in particular.

client-1 ──> server   0.0.0.0, its own address, or 127.0.0.1
"""

from __future__ import annotations

import pytest

from connlab.base.model import Outcome, Verdict
from tests.support.laboratory import Lab
from tests.support.sockets import tcp_sockets
from tests.support.variations import then_variations

ESTABLISHED, REFUSED = Outcome.ESTABLISHED, Outcome.REFUSED


@pytest.mark.claim("empty-address-is-reachable")
def test_an_empty_address_is_every_address(crowd: Lab, watch, verdict) -> None:
    """The crowd's server is bound to none in particular: another host reaches it."""
    assert crowd.settings.values["LISTEN"] == ""
    check_reach(crowd, watch, verdict, "0.0.0.0", ESTABLISHED)


@pytest.mark.xdist_group("many at once")
@pytest.mark.claim("empty-address-is-reachable")
@pytest.mark.parametrize(
    ("listen", "outcome"),
    then_variations(("127.0.0.1", REFUSED), ("server", ESTABLISHED)),
    ids=["loopback", "a name"],
)
def test_who_reaches_the_server_depends_on_its_address(
    many_at_once, watch, verdict, listen: str, outcome: Outcome
) -> None:
    """A name is the address that it resolves to, and loopback is reached by no other host.

    There the client sees the same RST as from the policy, but the rule's counter did not move (O02).
    """
    lab = many_at_once(LISTEN=listen)
    check_reach(lab, watch, verdict, lab.server.address if listen == "server" else listen, outcome)


def check_reach(lab: Lab, watch, verdict, bound: str, outcome: Outcome) -> None:
    """Dial once from another host, and look at what the server is bound to."""
    with lab.agents.on(lab.clients[0]) as agent, watch(lab.server) as diff:
        (attempt,) = agent.open(1)
    (listener,) = tcp_sockets(lab.server, lab.settings.port, "LISTEN")

    assert attempt.outcome is outcome
    assert listener.local == bound
    assert (diff.refused, diff.reported("accepted")) == (0, outcome is ESTABLISHED)
    verdict(
        Verdict.HOLDS,
        f"bound to `{lab.settings.values['LISTEN']}`: listens on {listener.local}:{listener.local_port},"
        f" another host's dial is {attempt.outcome}",
    )
