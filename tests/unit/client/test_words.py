"""The words of a client host, without a process: its outcomes."""

import errno
import re
from pathlib import Path

import pytest

from client import attempt

DOCS = Path(__file__).parents[3] / "docs"


def documented_outcomes():
    table = (DOCS / "events.md").read_text().split("## Outcomes")[1]
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| `")]
    return {outcome.strip(" `"): re.findall(r"\bE[A-Z]+\b", numbers) for outcome, _, numbers in rows}


def test_outcomes_are_those_of_the_documentation():
    """docs/events.md and the client map the same errnos to the same outcomes."""
    documented = {
        getattr(errno, name): outcome
        for outcome, numbers in documented_outcomes().items()
        for name in numbers
    }
    assert {0: "established", **documented} == attempt.OUTCOMES


@pytest.mark.parametrize("number", sorted(set(errno.errorcode) - set(attempt.OUTCOMES)))
def test_an_unknown_errno_is_loud(number):
    """Every errno without a row is a harness_error, shown by its name."""
    assert (attempt.outcome_of(number), attempt.errno_name(number)) == (
        "harness_error",
        errno.errorcode[number],
    )
