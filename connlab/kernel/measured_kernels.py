"""What Debian's kernels were measured to do with the article's rule, limit 15: data, of docs/kernel.md, "Epochs"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

LIMIT, BURST, ALONE, PACED = 15, 40, 30, 20
# A kernel that locks sources out forgets 9 connections at most in each jiffy in which one comes, 4 ms at HZ=250: where
# 40 come in three it falls behind, in four it does not (docs/kernel.md, "Epochs"). On a busy machine 6.12.69, 6.16.12
# and 6.17.13 admitted 15 of each burst that took 22 ms and more.
SLOWEST_MS_A_DIAL = 0.3
EXACT_PACED = f"{LIMIT}/{PACED - LIMIT}"  # of PACED dials: admitted and refused


class Measured(NamedTuple):
    """One kernel: `bursts` is how many were admitted in each of five bursts of 40 dials, all closed in between.

    `refused_alone`: of 30 dials one at a time afterwards, with nothing open. `loopback`: admitted and refused of 20
    paced dials over loopback, then, once all are closed, of 20 more.
    """

    bursts: tuple[int, ...]
    refused_alone: int
    loopback: tuple[tuple[int, int], tuple[int, int]]

    @property
    def locks_out(self) -> bool:
        """Whether a source that has nothing open any more is kept out."""
        return min(self.bursts) < LIMIT or self.refused_alone > 0

    @property
    def limits_loopback(self) -> bool:
        """Whether the limit holds over loopback."""
        return self.loopback[0] == (LIMIT, PACED - LIMIT)


EXACT, LOCKED = (15, 15, 15, 15, 15), (15, 0, 0, 0, 0)
HELD, KEPT, NEVER = (
    ((15, 5), (15, 5)),
    ((15, 5), (10, 10)),
    ((20, 0), (0, 0)),
)  # NEVER: then nothing is answered

MEASURED: Mapping[str, Measured] = {
    "5.10.218": Measured(EXACT, 0, KEPT),
    "5.10.223": Measured(EXACT, 0, KEPT),
    "5.10.251": Measured(LOCKED, 11, NEVER),
    "5.10.262": Measured(EXACT, 0, KEPT),
    "6.1.170": Measured(EXACT, 0, HELD),
    "6.1.172": Measured(EXACT, 0, HELD),
    "6.1.174": Measured(EXACT, 0, HELD),
    "6.1.176": Measured(EXACT, 0, HELD),
    "6.1.177": Measured(EXACT, 0, HELD),
    "6.1.180": Measured(EXACT, 0, HELD),
    "6.1.187": Measured(EXACT, 0, HELD),
    "6.1.190": Measured(EXACT, 0, HELD),
    "6.1.192": Measured(EXACT, 0, HELD),
    "6.12.43": Measured(LOCKED, 11, HELD),
    "6.12.57": Measured(LOCKED, 11, HELD),
    "6.12.69": Measured(LOCKED, 12, NEVER),
    "6.12.73": Measured(LOCKED, 10, NEVER),
    "6.12.74": Measured(LOCKED, 13, NEVER),
    "6.12.85": Measured(EXACT, 0, HELD),
    "6.12.86": Measured(EXACT, 0, HELD),
    "6.12.88": Measured(EXACT, 0, HELD),
    "6.12.90": Measured(EXACT, 0, HELD),
    "6.12.94": Measured(EXACT, 0, HELD),
    "6.12.95": Measured(EXACT, 0, HELD),
    "6.12.96": Measured(EXACT, 0, HELD),
    "6.12.100": Measured(EXACT, 0, HELD),
    "6.12.101": Measured(EXACT, 0, HELD),
    "6.12.105": Measured(EXACT, 0, HELD),
    "6.12.107": Measured(EXACT, 0, HELD),
    "6.12.111": Measured(EXACT, 0, HELD),
    "6.12.113": Measured(EXACT, 0, HELD),
    "6.12.115": Measured(EXACT, 0, HELD),
    "6.12.116": Measured(EXACT, 0, HELD),
    "6.12.117": Measured(EXACT, 0, HELD),
    "6.12.118": Measured(EXACT, 0, HELD),
    "6.16.3": Measured(LOCKED, 13, HELD),
    "6.16.12": Measured(LOCKED, 10, HELD),
    "6.17.8": Measured(LOCKED, 14, HELD),
    "6.17.13": Measured(LOCKED, 12, NEVER),
    "6.18.5": Measured(LOCKED, 8, NEVER),
    "6.18.9": Measured(LOCKED, 12, NEVER),
    "6.18.12": Measured(LOCKED, 9, NEVER),
    "6.18.15": Measured(EXACT, 0, HELD),
    "6.18.44": Measured(EXACT, 0, HELD),  # no guest, but an engine's own machine
    "7.2.6": Measured(EXACT, 0, HELD),
    "7.2.9": Measured(EXACT, 0, HELD),
    "7.2.11": Measured(EXACT, 0, HELD),
    "7.2.12": Measured(EXACT, 0, HELD),
    "7.3.4": Measured(EXACT, 0, HELD),
}


def is_burst(dials: int, took_ms: float) -> bool:
    """Tell whether so many dials in so many ms would keep their source out on a kernel that does so."""
    return took_ms <= dials * SLOWEST_MS_A_DIAL


def measured(release: str) -> Measured | None:
    """Return what was measured of the kernel of a release (`uname -r`); None where that is not known.

    What follows its three numbers does not matter; a release that has its distribution's own third number is none.
    """
    match = re.match(r"(\d+\.\d+\.\d+)(?!\.?\d)(?!-rc)", release)
    return MEASURED.get(match[1]) if match else None
