"""A burst of one source leaves nothing behind: the next one gets as much, and so does who dials alone."""

from __future__ import annotations

import statistics

from connlab.base.errors import LabError
from connlab.kernel.measured_kernels import ALONE, BURST, LIMIT
from connlab.kernels.claim_lab import ClaimLab
from connlab.kernels.claims.cell import Cell, E, R, holds

SENTENCE = "Five bursts of 40 dials, all closed in between, get 15 each; then none of 30 alone is refused"
ROUNDS, PAUSE, GAP_MS = 5, 0.5, 30  # seconds between bursts, ms before each dial alone
# From the first dial of a burst to its last, by the client's clock: the median of the rounds. On a busy machine 6.16.12
# and 6.17.13, which lock sources out, admitted 15 each time.
SLOWEST_MS = 60


def measure(lab: ClaimLab) -> Cell:
    """Dial as fast as connect(2) returns, close all, five times; then one at a time, with nothing else open.

    Raises `LabError` where nobody was kept out, but a machine with other work made no burst of the dials.
    """
    bursts, took_ms, refused = [], [], 0
    with lab.agents.on(lab.clients[0]) as agent:
        for _ in range(ROUNDS):
            attempts = agent.salvo(BURST)
            starts = [attempt.start_ns for attempt in attempts]
            took_ms.append(round((max(starts) - min(starts)) / 1e6))
            bursts.append(sum(attempt.outcome is E for attempt in attempts))
            agent.close()
            agent.wait(PAUSE)
        for _ in range(ALONE):
            (attempt,) = agent.open(1, gap_ms=GAP_MS)
            refused += attempt.outcome is R
            agent.close()
    exact = set(bursts) == {LIMIT} and not refused
    if exact and (usual := statistics.median(took_ms)) > SLOWEST_MS:
        raise LabError(
            f"{BURST} dials took {usual} ms, which is no burst: the machine has other work; try once more"
        )
    figures = {"bursts": bursts, "refused_alone": refused, "took_ms": took_ms}
    words = f"{' '.join(map(str, bursts))}; {refused} of {ALONE} refused"
    return Cell(holds(exact), figures, words)
