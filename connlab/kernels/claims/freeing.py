"""One connection that ends makes room for one."""

from __future__ import annotations

from connlab.kernel.measured_kernels import LIMIT
from connlab.kernels.claim_lab import ClaimLab
from connlab.kernels.claims.cell import Cell, E, R, holds

SENTENCE = "With 15 held, one is closed: one more dial is established, and the next refused"


def measure(lab: ClaimLab) -> Cell:
    """Fill the limit, close one, dial two."""
    with lab.agents.on(lab.clients[0]) as agent:
        held = agent.open(LIMIT)
        agent.close([held[0].conn])
        later = [attempt.outcome for attempt in agent.open(2)]
    full = all(attempt.outcome is E for attempt in held)
    return Cell(holds(full and later == [E, R]), {"later": later}, ", ".join(later))
