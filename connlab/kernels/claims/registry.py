"""All claims about kernels, in the order in which they are measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
