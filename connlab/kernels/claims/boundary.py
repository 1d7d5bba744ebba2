"""Paced dials of a source get exactly the limit, each source its own; two witnesses."""

from __future__ import annotations

from connlab.kernel.measured_kernels import EXACT_PACED, PACED
from connlab.kernel.snapshot import read_ruleset
from connlab.kernels.claim_lab import ClaimLab
from connlab.kernels.claims.cell import Cell, R, admitted, holds

SENTENCE = "20 paced dials of each of two sources: 15 are established, 5 refused, as the rule counted"


def measure(lab: ClaimLab) -> Cell:
    """Dial from each client, and read the rule's counter before and after."""
    before = _refused(lab)
    words = []
    refused = 0
    for client in lab.clients:
        with lab.agents.on(client) as agent:
            attempts = agent.open(PACED)
        words.append(admitted(attempts))
        refused += sum(attempt.outcome is R for attempt in attempts)
    counted = _refused(lab) - before
    figures = {"sources": words, "refused": refused, "counted": counted}
    exact = set(words) == {EXACT_PACED} and counted == refused
    return Cell(holds(exact), figures, f"{', '.join(words)}; the rule counted {counted}")


def _refused(lab: ClaimLab) -> int:
    return sum(rule.packets or 0 for rule in read_ruleset(lab.server.run).rules if rule.refuses)
