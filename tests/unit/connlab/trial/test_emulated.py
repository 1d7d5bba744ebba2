"""Rates of seconds, which emulation is too slow for: of their ports nothing is told."""

from __future__ import annotations

import contextlib

import pytest

from connlab.trial.answer import emulated
from connlab.trial.files.lines import Line, Lines
from connlab.trial.hosts.machine import Kernel, Machine
from tests.support.trial_answers import answer, finding, row
from tests.support.trials import dials, place, ruleset, tried

GUEST = Machine(Kernel("6.12.0"), contextlib.nullcontext, lambda *_: (0, ""), 1.0, 1.0, is_engines=False)  # type: ignore[arg-type]
CONNECTIONS = "tcp dport 443 ct count over 5 drop"


@pytest.mark.parametrize(
    ("rule", "is_too_fast"),
    [
        ("tcp dport 443 limit rate over 20/second burst 5 packets drop", True),
        ("tcp dport 443 limit rate over 10 kbytes/second drop", True),
        (
            "-A input -m hashlimit --hashlimit-name a --hashlimit-upto 20/sec --hashlimit-burst 20 -j ACCEPT",
            True,
        ),
        ("-A input -m limit --limit 2/s -j ACCEPT", True),
        ("-A input -m recent --name x --update --seconds 2 --hitcount 4 -j DROP", True),
        ("-A input -m recent --name x --update --seconds 60 --hitcount 4 -j DROP", False),
        ("tcp dport 443 limit rate over 3/minute burst 5 packets drop", False),
        ("-A input -m hashlimit --hashlimit-name a --hashlimit-above 5/min -j DROP", False),
        ('tcp dport 443 limit rate 5/second log prefix "x"', False),  # it decides nothing
        (CONNECTIONS, False),
    ],
)
def test_a_rate_of_seconds_is_told_from_what_is_slower(rule, is_too_fast):
    """By the words of the rule, where it had a say."""
    rules = ruleset(rule)
    met = tried(dials("E5 R10", {"R": 1}), reached=[1])
    assert (emulated.rate_of_seconds(met, rules) is not None) == is_too_fast
    assert emulated.is_left_out(met, rules, GUEST) == is_too_fast
    assert not emulated.is_left_out(met, rules, GUEST._replace(is_engines=True))
    assert emulated.rate_of_seconds(tried(dials("E64")), rules) is None


def test_nothing_is_told_of_its_port():
    """The row says why, with the line; nothing is found about it, and all is about others."""
    rules = ruleset("tcp dport 443 limit rate over 20/second drop")
    fast = tried(dials("E5 R10", {"R": 1}), reached=[1])
    lines = Lines({place(1): Line("x.nft", 7)}, {})
    brought = answer(ports=[row(), row(port=80)], findings=[finding("bans"), finding("bans", port=80)])
    told = emulated.marked(brought, [fast], rules, lines)
    mine, other = told["ports"]
    assert (mine["port"], mine["cannot_run"], mine["limit"], mine["decided_by"]["line"]) == (
        443,
        emulated.WHY,
        None,
        7,
    )
    assert (other, told["findings"]) == (row(port=80), [finding("bans", port=80)])
