"""The judge: what the policy promises. Pure; it neither looks nor dials (docs/kernel.md, C01-C05)."""

from __future__ import annotations

from lab.model import Outcome


def dials(held: int, count: int, limit: int) -> list[Outcome]:
    """`count` dials, one after another, from a source that holds `held` connections and closes none.

    The judged SYN counts itself (C02), so the dial that would be number `limit` + 1 is the first refused.
    """
    room = max(0, min(count, limit - held))
    return [Outcome.ESTABLISHED] * room + [Outcome.REFUSED] * (count - room)
