"""A burst of one source, as fast as a client can: it gets its limit, and leaves nothing behind.

On kernels from 6.12.20 to 6.12.74, and some others, one such burst locks its source out (docs/kernel.md, "Epochs").
"""

from __future__ import annotations

from connlab.base.model import Outcome, tally
from tests.support.laboratory import Lab

ESTABLISHED, REFUSED = Outcome.ESTABLISHED, Outcome.REFUSED
LIMIT, DIALS, ROUNDS, AFTER = 15, 40, 5, 30
PAUSE_S, GAP_MS = 0.5, 30


def test_after_a_burst_every_slot_is_free(crowd: Lab, watch) -> None:
    """Five bursts half a second apart, all closed between, get fifteen each; then nobody is refused, alone."""
    bursts, alone = [], []
    with crowd.agents.on(crowd.clients[0]) as agent, watch(crowd.server) as diff:
        for _ in range(ROUNDS):
            bursts.append(agent.salvo(DIALS))
            agent.close()
            agent.wait(PAUSE_S)
        for _ in range(AFTER):
            alone += agent.open(1, gap_ms=GAP_MS)
            agent.close()

    assert [tally(attempts) for attempts in bursts] == [{ESTABLISHED: LIMIT, REFUSED: DIALS - LIMIT}] * ROUNDS
    assert tally(alone) == {ESTABLISHED: AFTER}
    assert diff.refused == ROUNDS * (DIALS - LIMIT)
    assert diff.reported("accepted") == ROUNDS * LIMIT + AFTER
