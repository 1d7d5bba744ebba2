"""TIME_WAIT and the limit: which endings give a slot back, which keep it, and what it costs to hurry them."""

from __future__ import annotations

import pytest

from connlab.base.model import Outcome, Verdict
from tests.support.recordings import Recordings
from tests.time_wait import charts
from tests.time_wait.slots import CHATTY, FULL, IDLE, LIMIT, Scenario

ESTABLISHED, REFUSED = Outcome.ESTABLISHED, Outcome.REFUSED


@pytest.mark.claim("time-wait-slots")
def test_time_wait_holds_no_slot(slots: Recordings, verdict) -> None:
    """Fifteen in TIME_WAIT, on whichever side, and fifteen more are admitted; never a sixteenth (C05)."""
    scenario = slots["lab"]["time_wait"]
    assert scenario.tallies == dict.fromkeys(
        ("at first", "with its own TIME_WAIT", "with the server's TIME_WAIT"), FULL
    )
    assert scenario.client["TIME-WAIT"] == scenario.samples[-1].sockets["TIME-WAIT"] == LIMIT
    verdict(
        Verdict.REFUTED,
        f"with {LIMIT} in TIME_WAIT on the client {LIMIT} of {LIMIT + 1} dials are admitted, with {LIMIT} more on the"
        f" server {LIMIT} of {LIMIT + 1}",
    )


@pytest.mark.claim("conntrack-time-wait")
def test_conntracks_time_wait_is_another_thing(slots: Recordings, verdict) -> None:
    """Conntrack's entries are gone, and the server's sockets are all still there (T18)."""
    last = slots["lab"]["time_wait"].samples[-1]
    assert last.sockets == {"TIME-WAIT": LIMIT, "ESTAB": LIMIT}
    verdict(
        Verdict.REFUTED,
        f"conntrack has forgotten them {last.seconds:.1f} s after the first dial, {last.sockets['TIME-WAIT']} sockets"
        " of the server are in TIME_WAIT as before",
    )


@pytest.mark.claim("half-closed-slots")
def test_a_half_closed_connection_keeps_its_slot_while_conntrack_remembers(
    slots: Recordings, verdict
) -> None:
    """Refused at once; admitted after the time-out, though the fifteen half-closed connections still are (C06)."""
    scenario = slots["lab"]["half_closed"]
    assert scenario.tallies == {"at first": FULL, "half closed": {REFUSED: 1}, "forgotten": FULL}
    assert scenario.client == {"CLOSE-WAIT": LIMIT, "ESTAB": LIMIT}
    verdict(
        Verdict.DEPENDS,
        f"refused at once, and after {forget_time(scenario):.1f} s of silence {LIMIT} more are admitted: the client has"
        f" {scenario.client.total()} connections, {LIMIT} of them half closed (60 s is the default)",
    )


@pytest.mark.claim("vanished-slots")
def test_a_client_that_vanished_keeps_its_slots(slots: Recordings, keep, verdict) -> None:
    """It comes back with nothing and is refused, until conntrack forgets; the server still has its sockets (C13)."""
    scenario = slots["lab"]["vanished"]
    keep("chart-slots", charts.slots(slots["lab"]))
    assert scenario.tallies == {"at first": FULL, "come back": {REFUSED: 1}, "forgotten": FULL}
    assert scenario.client == {"ESTAB": LIMIT}
    assert scenario.samples[-1].sockets == {"ESTAB": 2 * LIMIT}
    verdict(
        Verdict.REFUTED,
        f"refused when it comes back, admitted {forget_time(scenario):.1f} s later (the default is five days); the"
        f" server still holds {scenario.samples[-1].sockets['ESTAB']} connections of {LIMIT}",
    )


@pytest.mark.claim("established-timeout")
def test_a_short_timeout_forgets_the_living(slots: Recordings, verdict) -> None:
    """What is idle for longer is no longer counted, though it works: more live connections than the limit (C14)."""
    scenario = slots["lab"]["idle"]
    more = LIMIT - CHATTY
    assert scenario.tallies == {"at first": FULL, "forgotten": {ESTABLISHED: more, REFUSED: LIMIT + 1 - more}}
    assert scenario.client == scenario.samples[-1].sockets == {"ESTAB": LIMIT + more}
    verdict(
        Verdict.REFUTED,
        f"{LIMIT + more} live connections of one source with a limit of {LIMIT}: the {more} that said nothing for"
        f" {IDLE} s are not counted, the {CHATTY} that talk are",
    )


def forget_time(scenario: Scenario) -> float:
    """Return the seconds from the first dial to the first sample in which no slot is taken."""
    freed = next(sample.seconds for sample in scenario.samples if sample.slots == 0)
    return freed - scenario.samples[0].seconds
