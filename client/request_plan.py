"""How many requests a `talk` makes, and when they are due."""

from __future__ import annotations

from connlab.machine.named_tuple import NamedTuple


class RequestPlan(NamedTuple):
    """At most so many requests; none begins so long after the first was due; `rate` a second, None: the closed loop."""

    most: int | None
    duration_ns: int | None
    rate: int | None
    timeout_ns: int

    @property
    def planned(self) -> int | None:
        """Return how many requests are due, None if that is not known before."""
        if self.rate is None or self.duration_ns is None:
            return self.most
        due = -(-self.duration_ns * self.rate // 10**9)
        return due if self.most is None else min(due, self.most)
