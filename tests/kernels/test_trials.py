"""`lab try --kernel`: the same trial in a guest with another kernel, of which every number is."""

from __future__ import annotations

from typing import Any

import pytest

from connlab.cluster import engine
from connlab.kernel.measured_kernels import LIMIT, MEASURED
from connlab.trial.dialling.plan import BEYOND
from tests.support.trial_schema import problems

# A trial takes as long in a guest as all claims of `make test`.
pytestmark = [pytest.mark.xdist_group("kernels"), pytest.mark.variation]


@pytest.fixture(scope="module")
def limited(guest_trial: dict[str, Any]) -> dict[str, Any]:
    """Return the row of the count."""
    return next(row for row in guest_trial["ports"] if (row["port"], row["family"]) == (8081, 4))


def test_the_answer_names_the_kernel(guest_trial, kernel):
    """Its package, and what it says of itself, which the engine's own does not."""
    told = guest_trial["kernel"]
    assert (told["release"], told["package"]) == (kernel.release, " ".join(kernel.packages))
    assert kernel.release in told["uname"]
    assert str(engine.client().version()["KernelVersion"]) not in told["uname"]
    assert problems(guest_trial) == []


def test_a_count_does_what_was_measured_of_that_kernel(limited, kernel):
    """In turn, at once, at once again, and over loopback; with every witness."""
    measured = MEASURED[kernel.release]
    assert limited["pattern"] == f"E{LIMIT} R{BEYOND}"
    assert limited["burst"]["established"] == limited["bursts"]["established"][0] == LIMIT
    assert (min(limited["bursts"]["established"]) < LIMIT) == measured.locks_out
    assert limited["loopback"][0] == f"E{LIMIT} R{BEYOND}"
    assert limited["witnesses_agree"] is not False


def test_a_rate_of_seconds_is_met_by_the_clock_of_the_guest(guest_trial):
    """An emulated processor dials slowly, but not by its clock: the burst gets in, and no more before a token comes."""
    row = next(row for row in guest_trial["ports"] if (row["port"], row["family"]) == (8082, 4))
    assert (row["limit"], row["burst"]["established"], row["by_seconds"]) == (5, 5, True)
    assert row["pattern"] == f"E5 T{BEYOND}"  # 20 ms apart, and the next token comes after 500
    assert row["witnesses_agree"] is not False
    assert ("rate-not-count", 8082) in {(each["id"], each["port"]) for each in guest_trial["findings"]}


def test_kernel_settings_are_those_of_the_guest(guest_trial):
    """Set and read back there; of its machine no key is changed."""
    seen = {
        each["key"].rpartition(".")[2]: (each["after"], each["verdict"]) for each in guest_trial["sysctls"]
    }
    assert seen["tcp_tw_reuse"] == ("1", ["other-side", "applied"])
    assert seen["tcp_tw_recycle"] == (None, ["absent"])
    assert seen["swappiness"] == ("60", ["machine-wide"])
    assert seen["shmmax"][0] == "123456789"
