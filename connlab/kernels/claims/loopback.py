"""The limit holds over loopback too, and what is closed there is free."""

from __future__ import annotations

from connlab.kernel.measured_kernels import EXACT_PACED, PACED
from connlab.kernels.claim_lab import ClaimLab
from connlab.kernels.claims.cell import Cell, admitted, holds

SENTENCE = "Over loopback 20 paced dials of the server are 15 and 5; all closed, they are again"
TIMEOUT_MS = 500
PAUSE = 0.5  # seconds


def measure(lab: ClaimLab) -> Cell:
    """Dial from the server's own host, close all, dial again."""
    rounds = []
    with lab.agents.on(lab.itself) as agent:
        for _ in range(2):
            rounds.append(admitted(agent.open(PACED, host="127.0.0.1", timeout_ms=TIMEOUT_MS)))
            agent.close(timeout_ms=TIMEOUT_MS)
            agent.wait(PAUSE)
    return Cell(holds(rounds == [EXACT_PACED, EXACT_PACED]), {"rounds": rounds}, ", then ".join(rounds))
