"""The words of a client host, without a process: outcomes and knobs."""

import errno
import re
from pathlib import Path

import pytest

from client import connector, settings
from tests.support.given import PROFILES, given
from tests.support.menu import MENU

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
    assert {0: "established", **documented} == connector.OUTCOMES


@pytest.mark.parametrize("number", sorted(set(errno.errorcode) - set(connector.OUTCOMES)))
def test_an_unknown_errno_is_loud(number):
    """Every errno without a row is a harness_error, shown by its name."""
    assert (connector.outcome_of(number), connector.errno_name(number)) == (
        "harness_error",
        errno.errorcode[number],
    )


@pytest.mark.parametrize(
    ("knob", "text", "complaint"),
    [
        ("WORKLOAD", "sleep", "allowed: burst, churn, hold, idle"),
        ("DIALS", "lots", "is not a whole number; allowed: 1 to 20000"),
        ("PERIOD", "nan", "is out of range; allowed: 0.01 to 86400"),
        ("PORT", "0", "is out of range; allowed: 1 to 65535"),
        ("LOG_FORMAT", "", "allowed: json, text"),
        ("CLIENT_SYSCTL", "stock.yaml", f"allowed: {', '.join(PROFILES)}"),
        ("CONNLAB_SERVER", "", "allowed: a host name or an IPv4 address"),
    ],
)
def test_a_bad_knob_is_explained(knob, text, complaint):
    """The message names the knob, the value and what is allowed."""
    with pytest.raises(ValueError, match=f"{knob}={text!r} .*{complaint}"):
        settings.read(given() | {knob: text})


def test_the_defaults_are_the_menu():
    """Without an environment a client does what `.env` says."""
    told = {knob: MENU[knob] for knob in settings.KNOBS if knob in MENU}
    assert settings.read(given() | told) == settings.read({})
