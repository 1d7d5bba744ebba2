"""What the clients saw of the big run: outcomes by source, the dials over time, and how far apart a source's were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connlab.actions.scale_plan import DIALS, LIMIT
from connlab.base.model import Attempt, Outcome

BIN_NS = 100_000_000  # of the picture over time
RIGHT = Counter({Outcome.ESTABLISHED: LIMIT, Outcome.REFUSED: DIALS - LIMIT})


@dataclass
class Dials:
    """The sums of all attempts so far; attempts themselves are not kept."""

    sources: dict[str, Counter[Outcome]] = field(default_factory=dict)
    bins: dict[int, Counter[Outcome]] = field(default_factory=dict)
    first_ns: int | None = None
    last_ns: int = 0
    established_ns: int = 0
    slowest_us: int = 0
    closest_ns: int | None = None

    def add(self, attempts: Sequence[Attempt], each: int) -> None:
        """Take in the attempts of one client, in order of dialling, whose `each` sources had their turns."""
        for attempt in attempts:
            self.sources.setdefault(attempt.source or "none", Counter())[attempt.outcome] += 1
            self.bins.setdefault(attempt.start_ns // BIN_NS, Counter())[attempt.outcome] += 1
            self.slowest_us = max(self.slowest_us, attempt.us)
            end_ns = attempt.start_ns + attempt.us * 1000
            self.last_ns = max(self.last_ns, end_ns)
            if attempt.outcome == Outcome.ESTABLISHED:
                self.established_ns = max(self.established_ns, end_ns)
        for before, after in zip(
            attempts, attempts[each:], strict=False
        ):  # of one source, one after the other
            apart = after.start_ns - before.start_ns
            self.closest_ns = apart if self.closest_ns is None else min(self.closest_ns, apart)
        if attempts:
            first = min(attempt.start_ns for attempt in attempts)
            self.first_ns = first if self.first_ns is None else min(self.first_ns, first)

    @property
    def outcomes(self) -> Counter[Outcome]:
        """All dials by outcome."""
        return sum(self.sources.values(), Counter())

    @property
    def seconds(self) -> float:
        """From the first SYN to the end of the last dial."""
        return (self.last_ns - (self.first_ns or self.last_ns)) / 1e9

    @property
    def establishing(self) -> float:
        """From the first SYN to the end of the last dial that was admitted, in seconds."""
        return max(0, self.established_ns - (self.first_ns or 0)) / 1e9

    def wrong(self, expected: Sequence[str]) -> list[dict[str, Any]]:
        """List the sources that did not have exactly their outcomes, and those that were not to dial."""
        strangers = sorted(self.sources.keys() - set(expected))
        others = [address for address in expected if self.sources.get(address) != RIGHT]
        return [
            {"source": address, **{str(outcome): n for outcome, n in self.sources.get(address, {}).items()}}
            for address in (*others, *strangers)
        ]

    def over_time(self) -> list[dict[str, float]]:
        """List the dials that began in each tenth of a second: `seconds` since the first, `established`, `refused`."""
        start = min(self.bins, default=0)
        rows = range(max(self.bins, default=-1) - start + 1)
        return [
            {
                "seconds": row * BIN_NS / 1e9,
                "dials": self.bins.get(start + row, Counter()).total(),
                "established": self.bins.get(start + row, Counter())[Outcome.ESTABLISHED],
                "refused": self.bins.get(start + row, Counter())[Outcome.REFUSED],
            }
            for row in rows
        ]

    def admitted(self, expected: Sequence[str]) -> list[int]:
        """List how many dials of each source were admitted, in the order of the sources."""
        return [self.sources.get(address, Counter())[Outcome.ESTABLISHED] for address in expected]


def totals(dials: Dials) -> Mapping[str, Any]:
    """Return the sums as the answer has them."""
    return {
        "dials": dials.outcomes.total(),
        "outcomes": {str(outcome): n for outcome, n in dials.outcomes.items()},
        "seconds": round(dials.seconds, 3),
        "establishing": round(dials.establishing, 3),
        "established_per_second": _rate(dials.outcomes[Outcome.ESTABLISHED], dials.establishing),
        "slowest_us": dials.slowest_us,
        "closest_ms": None if dials.closest_ns is None else round(dials.closest_ns / 1e6, 1),
    }


def _rate(count: int, seconds: float) -> int | None:
    return round(count / seconds) if seconds else None
