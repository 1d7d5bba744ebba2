"""Counts by moment: which of them are of the host that has an address now, and which may be an earlier one's."""

from __future__ import annotations

import pytest

from server.history import MOST, PAUSE, History


def counted(*moments: float) -> History:
    history = History()
    for moment in moments:
        history.add(moment, moment)
    return history


def test_what_was_before_is_the_earlier_host_s():
    """Three dials of a host that has left, two of the one that came."""
    history = counted(1.0, 1.1, 1.2, 9.0, 9.1)
    assert history.since(5.0, 5.0) == (2, 0)
    assert history.since(5.0, 5.0) == (2, 0), "a question changes nothing"
    assert history.since(0.0, 0.5) == (5, 0), "an earlier moment: a host that was there all the time"


def test_what_may_have_been_before_is_said_to():
    """A count that lies in the time of which nothing is known is neither the one's nor the other's."""
    assert counted(1.0, 4.0, 9.0).since(3.0, 5.0) == (1, 1)


def test_an_interval_over_the_moment_is_not_certain():
    """The server was stopped from 4 to 6 and then told of a refusal: nobody knows on which side of 5 it was."""
    history = counted(1.0)
    history.add(4.0, 6.0)
    history.add(7.0, 7.0)
    assert history.since(5.0, 5.0) == (1, 1)


def test_a_spell_over_the_moment_is_not_certain():
    """Moments without a pause are one spell, and are not told apart."""
    assert counted(*(4.95 + PAUSE * 0.9 * number for number in range(4))).since(5.0, 5.0) == (0, 4)


@pytest.mark.parametrize("order", [(1.0, 2.0, 3.0), (3.0, 1.0, 2.0), (2.0, 3.0, 1.0), (3.0, 2.0, 1.0)])
def test_moments_come_in_any_order(order):
    """A connection that waited for accept(2) is told of late."""
    history = counted(*order)
    counts = [history.since(moment, moment) for moment in (0.5, 1.5, 2.5, 3.5)]
    assert counts == [(3, 0), (2, 0), (1, 0), (0, 0)]


def test_a_late_one_joins_two_spells():
    """What lies between two spells, and touches both, makes one of them."""
    history = counted(1.0, 1.0 + 2 * PAUSE)
    history.add(1.0 + PAUSE, 1.0 + PAUSE)
    assert history.since(1.0 + PAUSE, 1.0 + PAUSE) == (0, 3)


def test_a_host_that_stays_is_exact_after_any_number_of_spells():
    """Its first spell is never taken together with others, nor what was before a moment that was asked for."""
    always = counted(*(float(number) for number in range(10 * MOST)))
    assert always.since(0.0, 0.0) == (10 * MOST, 0)
    second = counted(1.0, 2.0)
    second.add(11.0, 11.0)
    assert second.since(10.0, 10.0) == (1, 0)
    for number in range(10 * MOST):
        second.add(12.0 + number, 12.0 + number)
    assert second.since(10.0, 10.0) == (1 + 10 * MOST, 0)


def test_too_many_spells_before_the_first_question_are_said_to_be_uncertain():
    """The moment lies in what was taken together: what came after that is certain, the rest is not."""
    history = counted(*(float(number) for number in range(10 * MOST)))
    certain, perhaps = history.since(9.5, 9.5)
    assert certain < 10 * MOST - 10 <= certain + perhaps
    assert perhaps > 0
