"""The reference model: what the policy promises. Pure; it neither samples nor dials (docs/kernel.md, C01-C05)."""

from __future__ import annotations

from connlab.base.model import Outcome


def expected_outcomes(held: int, count: int, limit: int) -> list[Outcome]:
    """`count` dials, one after another, from a source that holds `held` connections and closes none.

    The judged SYN counts itself (C02), so the dial that would be number `limit` + 1 is the first refused.
    """
    room = max(0, min(count, limit - held))
    return [Outcome.ESTABLISHED] * room + [Outcome.REFUSED] * (count - room)


TIME_WAIT = 60  # seconds: TCP_TIMEWAIT_LEN, a constant in the source (T01)


def orphan_seconds(fin_timeout: int) -> int:
    """Seconds that an orphaned FIN_WAIT_2 socket is kept with this `tcp_fin_timeout` (T04, T06).

    Up to 60 that many. Above, the kernel waits for the difference to 60 with the whole socket, and then once
    more for the same with what is left of it.
    """
    return fin_timeout if fin_timeout <= TIME_WAIT else 2 * (fin_timeout - TIME_WAIT)


def timer_bounds(seconds: float) -> tuple[float, float]:
    """When a timer of the kernel that was set to `seconds` fires: never before, at most an eighth late.

    Its timer wheel gets coarser with distance, by a factor of eight a level (kernel/time/timer.c, T20).
    """
    return seconds, seconds * 9 / 8


def sustained_rate(ports: int, sources: int = 1, wait: float = TIME_WAIT) -> float:
    """Return the connections a second that a client can go on opening to one address and port (T13).

    If it closes first, each of its ports is out of use for `wait` seconds.
    """
    return ports * sources / wait


# Conntrack's states of a connection that the limit counts (C03). Not TIME_WAIT, not CLOSE.
COUNTED = frozenset({"SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK"})
