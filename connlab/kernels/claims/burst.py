"""A burst of one source leaves nothing behind: the next one gets as much, and so does who dials alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from connlab.base.errors import LabError
from connlab.kernel.measured_kernels import ALONE, BURST, LIMIT, SLOWEST_MS_A_DIAL, is_burst
from connlab.kernels.claim_lab import ClaimLab
from connlab.kernels.claims.cell import Cell, E, R, holds

SENTENCE = "Bursts of 40 dials, all closed in between, get 15 each; then none of 30 alone is refused"
ROUNDS, MOST_ROUNDS = 5, 40
PAUSE, GAP_MS = 0.5, 30  # seconds between bursts, ms before each dial alone


def measure(lab: ClaimLab) -> Cell:
    """Dial as fast as connect(2) returns, close all, again and again; then one at a time, with nothing else open.

    Five times, or until a burst after the first was a fast one, if nobody was kept out before. Raises `LabError` where
    none was: a machine with other work made no burst of the dials.
    """
    bursts, took_ms, refused = list[int](), list[int](), 0
    with lab.agents.on(lab.clients[0]) as agent:
        while len(bursts) < ROUNDS or (not _shown(bursts, took_ms) and len(bursts) < MOST_ROUNDS):
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
    if not refused and not _shown(bursts, took_ms):
        raise LabError(
            f"{BURST} dials took {min(took_ms[1:])} ms at least, of {len(bursts)} times, which is no burst (that is"
            f" {BURST * SLOWEST_MS_A_DIAL:g} ms): the machine has other work; try once more"
        )
    exact = set(bursts) == {LIMIT} and not refused
    figures = {"bursts": bursts, "refused_alone": refused, "took_ms": took_ms}
    return Cell(holds(exact), figures, f"{_words(bursts)}; {refused} of {ALONE} refused")


def _shown(bursts: Sequence[int], took_ms: Sequence[int]) -> bool:
    """Tell whether somebody was kept out, or would have been by a kernel that locks out."""
    return set(bursts) != {LIMIT} or is_burst(BURST, min(took_ms[1:]))


def _words(bursts: Sequence[int]) -> str:
    """Write how many got in each time; more than ROUNDS that are alike as one number and how often."""
    runs = [(number, len(list(run))) for number, run in groupby(bursts)]
    return " ".join(
        f"{number} ({times} times)" if times > ROUNDS else " ".join([str(number)] * times)
        for number, times in runs
    )
