"""All claims about kernels, in the order in which they are measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from connlab.kernels.claim_lab import ClaimLab
from connlab.kernels.claims import boundary, burst, freeing, loopback, ports, repeated, settings, syns
from connlab.kernels.claims.cell import Cell


class Claim(NamedTuple):
    """A sentence, and the function that measures it."""

    sentence: str
    measure: Callable[[ClaimLab], Cell]


CLAIMS: Mapping[str, Claim] = {
    module.__name__.rpartition(".")[2]: Claim(module.SENTENCE, module.measure)
    for module in (settings, boundary, freeing, ports, syns, repeated, burst, loopback)
}
# What waits for timers of a client's kernel most of its time, and is in nobody's way: measured at once.
BESIDE = ({"ports", "syns"},)


def groups(claims: Sequence[str]) -> Iterator[list[str]]:
    """Yield claims, in their order, that are measured one after another: one, or those beside which it is not alone."""
    left = list(claims)
    while left:
        beside = next((group for group in BESIDE if left[0] in group), {left[0]})
        yield [claim for claim in left if claim in beside]
        left = [claim for claim in left if claim not in beside]
