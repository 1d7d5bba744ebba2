"""Since when a host has its address, from what the engine says of its container."""

from __future__ import annotations

import pytest

from connlab.cluster.address_times import CONNECTED, STARTING, start_bounds

NEVER = "0001-01-01T00:00:00Z"


def inspection(created: str, started: str, finished: str = NEVER) -> dict:
    """Return an inspection, as engine 20.10 writes its moments: nanoseconds, without the zeros at the end."""
    return {"Created": created, "State": {"StartedAt": started, "FinishedAt": finished}}


@pytest.mark.parametrize(
    ("inspected", "after", "by"),
    [
        (inspection("2026-11-26T12:50:03.5Z", "2026-11-26T12:50:05.346532205Z"), 3.5, 5.346532),
        (inspection("2026-11-26T12:50:03Z", "2026-11-26T12:50:05Z"), 3.0, 5.0),
        (inspection("2026-11-26T12:00:00.1Z", "2026-11-26T12:50:05.2Z", "2026-11-26T12:50:04.9Z"), 4.9, 5.2),
        # Created or ended long before it started: the engine does not take that long to note a start.
        (inspection("2026-11-26T12:00:00.1Z", "2026-11-26T12:50:25Z"), 25 - STARTING, 25.0),
        (
            inspection("2026-11-26T12:00:00Z", "2026-11-26T12:50:25Z", "2026-11-26T12:10:00Z"),
            25 - STARTING,
            25.0,
        ),
        # It has ended since; that is not what was before its start.
        (inspection("2026-11-26T12:50:03Z", "2026-11-26T12:50:05Z", "2026-11-26T12:50:30Z"), 3.0, 5.0),
    ],
)
def test_a_host_began_between_two_moments(inspected, after, by):
    """Not before it was created or had ended, and by the moment that the engine notes."""
    minute = 1795697400  # 2026-11-26T12:50:00Z
    assert [round(moment - minute, 6) for moment in start_bounds(inspected)] == [
        after,
        round(by - CONNECTED, 6),
    ]


def test_what_just_ended_is_a_bound_too():
    """A container that was started again at once: not before its own end."""
    after, by = start_bounds(
        inspection("2026-11-26T12:50:03Z", "2026-11-26T12:50:05.05Z", "2026-11-26T12:50:05Z")
    )
    assert after == by


def test_a_host_that_never_started_has_no_moment():
    assert start_bounds(inspection("2026-11-26T12:50:03.5Z", NEVER)) is None
