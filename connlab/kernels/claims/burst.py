"""A burst of one source leaves nothing behind: the next one gets as much, and so does who dials alone."""

from __future__ import annotations

from connlab.agent.session import Agent
from connlab.kernel.measured_kernels import ALONE, BURST, LIMIT
from connlab.kernels.claim_lab import ClaimLab
from connlab.kernels.claims.cell import Cell, E, R, holds

SENTENCE = "Five bursts of 40 dials, all closed in between, get 15 each; then none of 30 alone is refused"
ROUNDS, PAUSE, GAP_MS = 5, 0.5, 30  # seconds between bursts, ms before each dial alone


def measure(lab: ClaimLab) -> Cell:
    """Dial as fast as connect(2) returns, close all, five times; then one at a time, with nothing else open."""
    bursts, refused = [], 0
    with Agent(lab.clients[0]) as agent:
        for _ in range(ROUNDS):
            bursts.append(sum(attempt.outcome is E for attempt in agent.salvo(BURST)))
            agent.close()
            agent.wait(PAUSE)
        for _ in range(ALONE):
            (attempt,) = agent.open(1, gap_ms=GAP_MS)
            refused += attempt.outcome is R
            agent.close()
    figures = {"bursts": bursts, "refused_alone": refused}
    words = f"{' '.join(map(str, bursts))}; {refused} of {ALONE} refused"
    return Cell(holds(set(bursts) == {LIMIT} and not refused), figures, words)
