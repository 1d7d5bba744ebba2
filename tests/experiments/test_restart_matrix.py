"""SO_REUSEADDR: when a server that restarts may bind its port again. Every cell of old flag, new flag, state.

client-2 ── connects ──> client-1   an old process and a new one, the same port
"""

from __future__ import annotations

from itertools import product

import pytest

from connlab.agent.channel import AgentFailed
from connlab.agent.session import Agent
from connlab.base import probes
from connlab.base.model import Verdict
from connlab.base.wait import until
from tests.support.laboratory import Lab
from tests.support.sockets import tcp_sockets

# What is left of the old server, and whether each (old flag, new flag) may bind; R01.
BOTH = {(False, False): False, (False, True): False, (True, False): False, (True, True): True}
PORT = 23456  # that nobody else has
NEVER = dict.fromkeys(BOTH, False)
EXPECTED = {"TIME-WAIT": BOTH, "ESTAB": BOTH, "LISTEN": NEVER}


@pytest.mark.claim("reuse-restarts-at-once")
def test_reuse_address_needs_both_and_no_listener(crowd: Lab, keep, verdict) -> None:
    """Both the old and the new socket need the flag, and it never helps against a listener that is alive."""
    matrix: dict[str, dict[tuple[bool, bool], bool]] = {state: {} for state in EXPECTED}
    with crowd.agents.on_each(crowd.clients[:2]) as (serving, peer):
        for state, (old, new) in product(EXPECTED, BOTH):
            matrix[state][old, new] = _rebinds(serving, peer, state, old, new)

    keep(
        "matrix",
        {state: {f"old {a} new {b}": ok for (a, b), ok in cells.items()} for state, cells in matrix.items()},
    )
    assert matrix == EXPECTED
    works = sum(ok for cells in matrix.values() for ok in cells.values())
    verdict(
        Verdict.DEPENDS,
        f"{works} of {len(BOTH) * len(EXPECTED)} cells can bind: with the flag on the old and the new socket, over"
        " TIME_WAIT or connections that live on; never while a listener lives",
    )


def test_a_forked_child_that_survives_keeps_the_port(crowd: Lab) -> None:
    """The listener lives as long as one process has it: EADDRINUSE even with the flag, until that ends (R05)."""
    host = crowd.clients[0]
    with Agent(host) as new:
        pid = host.run(probes.argv("forking_listener", PORT)).strip()
        with pytest.raises(AgentFailed, match="Address already in use"):
            new.listen(port=PORT, reuse_address=True)
        host.run(["kill", "-9", pid])  # returns before the process has ended
        until(lambda: not tcp_sockets(host, PORT, "LISTEN"), "the child has let go of the port", within=10)
        assert new.listen(port=PORT, reuse_address=True).port == PORT


def _rebinds(serving: Agent, peer: Agent, state: str, old: bool, new: bool) -> bool:
    """Bring a port into `state` with the old flag, then see whether a listener with the new one can have it."""
    listening = serving.listen(reuse_address=old)
    port, listener = listening.port, listening.conn
    (attempt,) = peer.open(1, host=serving.host.address, port=port, gap_ms=0)
    accepted = serving.accept(listening).conn
    if state != "LISTEN":
        serving.close([listener])
    if state == "TIME-WAIT":  # the server closes first, then the client
        serving.close([accepted], "half")
        # An acknowledgement that came after the client's FIN would end TIME_WAIT by a stray RST (T23).
        until(lambda: tcp_sockets(serving.host, port, "FIN-WAIT-2"), "its FIN is acknowledged", within=10)
        peer.close([attempt.conn])
        serving.close([accepted])
    states = [socket.state for socket in tcp_sockets(serving.host, port)]
    assert state in states
    try:
        serving.close([serving.listen(port=port, reuse_address=new).conn])
        return True
    except AgentFailed as refused:
        assert "Address already in use" in str(refused)
        return False
    finally:
        peer.close(how="rst")  # first, so that the other side has nobody to wait for
        serving.close()
